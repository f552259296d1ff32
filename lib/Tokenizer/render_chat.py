# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Renders a chat template with jinja2, set up as the package transformers sets
it up. Reads {template, messages, tokens, add_generation_prompt} from the
standard input; writes {text}, or {error, where}, or {missing}: no jinja2. Runs
in a process of its own, with bounds, as a template is a program."""

import datetime
import json
import resource
import signal
import sys

# Nothing from the folder that this happens to run in.
sys.path = [folder for folder in sys.path if folder not in ("", ".")]

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 10


def answer(**fields):
    json.dump(fields, sys.stdout)
    sys.exit(0)


try:
    import jinja2
    import jinja2.ext
    import jinja2.sandbox
except ImportError as error:
    answer(missing=str(error))
if tuple(int(n) for n in jinja2.__version__.split(".")[:2]) < (3, 1):
    answer(missing=f"jinja2 {jinja2.__version__}")


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what the model wrote, which is no matter here."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"],
                                       drop_needle=True)
        call = self.call_method("inside")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def inside(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None,
           sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent,
                      separators=separators, sort_keys=sort_keys)


def render(chat):
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True,
        extensions=[Generation, jinja2.ext.loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = (
        lambda form: datetime.datetime.now().strftime(form))
    return environment.from_string(chat["template"]).render(
        messages=chat["messages"], tools=None, documents=None,
        add_generation_prompt=chat["add_generation_prompt"], **chat["tokens"])


def line_in_template(error):
    """The last line of the template that the error went through."""
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"line {line}" if line else ""


def give_up(*_):
    raise TimeoutError(f"more than {CPU_SECONDS} seconds of work")


def main():
    chat = json.load(sys.stdin)
    signal.signal(signal.SIGXCPU, give_up)
    # The kernel ends what does not give up by itself.
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        answer(text=render(chat))
    except jinja2.TemplateSyntaxError as error:
        answer(error=error.message, where=f"line {error.lineno}")
    except Exception as error:  # Whatever a template makes Python raise.
        name = type(error).__name__
        # What the template says itself goes without that.
        text = str(error) if name == "TemplateError" else f"{name}: {error}"
        answer(error=text, where=line_in_template(error))


main()
