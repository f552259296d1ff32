//===- LanguageHeader.cpp - NAME.h and example.c of a language model ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include "llvm/Support/raw_ostream.h"

using namespace qc;
using namespace qc::artifact;

/// `@` stands for the name and `$` for it in capitals.
static const char languageDeclarations[] = R"(
/** Why a generation ended. */
typedef enum {
  $_FINISH_LENGTH, /* as many tokens as were asked for */
  $_FINISH_END,    /* a token that ends a text */
  $_FINISH_STOP,   /* a stop string */
  $_FINISH_CALLER, /* the callback said so */
  $_FINISH_CONTEXT /* the session has no room */
} @_finish;

/** What the model remembers of one text. Used by one thread at a time. */
typedef struct @_session @_session;

/** How the next token is drawn; zeros take the likeliest one. In this order:
 * repeat_penalty divides logits of the last 64 tokens; the top_k likeliest;
 * those that make up top_p; those with min_p of the largest probability. */
typedef struct {
  uint32_t size; /* sizeof(@_sampling): may grow */
  int32_t top_k;
  float temperature, top_p, min_p, repeat_penalty;
  uint64_t seed;
} @_sampling;

typedef struct {
  uint32_t size; /* sizeof(@_stats): may grow */
  int32_t prompt_tokens, tokens, finish;
  double prefill_ms, decode_ms;
} @_stats;

/** Takes text as it comes, in whole characters; nonzero stops. */
typedef int32_t (*@_text_fn)(void *user, const char *utf8, size_t n);

/** Opens the model: abi is $_ABI; options may be NULL. */
@_status @_open(uint32_t abi, const @_options *options, @_model **model);
/** Closes it, after all of its sessions. */
void @_close(@_model *model);

/** Bytes of a session with room for max_tokens (1 to $_CONTEXT); else 0. */
size_t @_session_bytes(const @_model *model, int32_t max_tokens);
/** A session on memory of the caller (64-byte aligned) or, with NULL, its own. */
@_status @_session_open(@_model *model, int32_t max_tokens, void *memory,
                        size_t bytes, @_session **session);
void @_session_close(@_session *session);
/** Makes `to` remember what `from` does. */
@_status @_session_copy(@_session *to, const @_session *from);
/** Forgets all but the first `tokens`. */
void @_session_truncate(@_session *session, int32_t tokens);

/** Appends n[i] >= 1 tokens to sessions[i], all different. logits
 * [sequences][$_VOCABULARY] are those after the last token of each. Neither
 * allocates, locks nor prints; an error leaves the sessions as they were.
 * stream is NULL. */
@_status @_eval(@_session *const *sessions, const int32_t *const *tokens,
                const int32_t *n, int32_t sequences, float *logits,
                void *stream);
/** The same for one session, with the logits after each token:
 * [n][$_VOCABULARY]. */
@_status @_eval_all(@_session *session, const int32_t *tokens, int32_t n,
                    float *logits);
/** Draws a token; negative: minus a status. */
int32_t @_sample(@_session *session, const @_sampling *sampling,
                 const float *logits);
/** Appends the tokens and draws up to max_new further ones. `stop` are strings
 * that end the text, up to a NULL; it, `text` and `stats` may be NULL. */
@_status @_generate(@_session *session, const int32_t *tokens, int32_t n,
                    int32_t max_new, const @_sampling *sampling,
                    const char *const *stop, @_text_fn text, void *user,
                    @_stats *stats);

/** Writes the first `capacity` tokens of a text and returns how many it has;
 * negative: minus a status. add_special: with what the model wants around it. */
int32_t @_tokenize(const @_model *model, const char *utf8, size_t n,
                   int32_t add_special, int32_t *out, int32_t capacity);
/** Writes the first `capacity` bytes of the text of tokens and returns how many
 * it has; negative: minus a status. */
int32_t @_detokenize(const @_model *model, const int32_t *tokens, int32_t n,
                     char *out, int32_t capacity);
/** The model's own template of chats (Jinja), or NULL. */
const char *@_chat_template(const @_model *model);
/** The tokens that end a text. */
const int32_t *@_end_tokens(const @_model *model, int32_t *count);
)";

std::string qc::artifact::languageHeaderText(const NetSpec &net) {
  const qc_rt_language &l = net.language->numbers;
  llvm::StringRef comment = R"( @.h - a compiled language model; made by qc.
 *
 * A model is shared and read-only; a session belongs to one thread at a time;
 * evaluating never allocates, locks or prints.
)";
  std::string middle;
  llvm::raw_string_ostream os(middle);
  os << substitute("\n#define $_VOCABULARY ", net) << l.vocabulary
     << substitute("\n#define $_CONTEXT ", net) << l.context << "\n"
     << substitute(languageDeclarations, net);
  return frameHeader(net, substitute(comment, net), middle);
}

static const char example[] = R"(/* example.c - goes on with a text.
 *
 *   cc -O2 example.c lib@.a &LIBS -o example
 *   ./example [TEXT [TOKENS]]
 */
#include "@.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(@_status status, const char *what) {
  if (status == $_OK)
    return;
  fprintf(stderr, "%s: %s\n", what, @_status_text(status));
  exit(1);
}

static int32_t print(void *user, const char *utf8, size_t n) {
  (void)user;
  fwrite(utf8, 1, n, stdout);
  return fflush(stdout);
}

int main(int argc, char **argv) {
  const char *text = argc > 1 ? argv[1] : "Once upon a time";
  int max_new = argc > 2 ? atoi(argv[2]) : 64;
  static int32_t tokens[$_CONTEXT];
  @_options options = {0};
  @_sampling sampling = {0};
  @_stats stats = {0};
  @_model *model;
  @_session *session;
  options.size = sizeof options;
  sampling.size = sizeof sampling;
  stats.size = sizeof stats;
  check(@_open($_ABI, &options, &model), "@_open");
  check(@_session_open(model, $_CONTEXT, NULL, 0, &session), "@_session_open");
  int32_t n = @_tokenize(model, text, strlen(text), 1, tokens, $_CONTEXT);
  if (n < 1 || n > $_CONTEXT) {
    fprintf(stderr, "expected a text of 1 to %d tokens\n", $_CONTEXT);
    return 1;
  }
  printf("%s", text);
  check(@_generate(session, tokens, n, max_new, &sampling, NULL, print, NULL,
                   &stats),
        "@_generate");
  printf("\n%d tokens in, %.1f tokens/s; %d out, %.1f tokens/s\n",
         stats.prompt_tokens, stats.prompt_tokens / stats.prefill_ms * 1e3,
         stats.tokens, stats.tokens / stats.decode_ms * 1e3);
  @_session_close(session);
  @_close(model);
  return 0;
}
)";

std::string qc::artifact::languageExampleText(const NetSpec &net) {
  std::string libraries = "-lm";
  for (const std::string &library : extraLibraries(net))
    libraries += " -l" + library;
  std::string text = example, out;
  text.replace(text.find("&LIBS"), 5, libraries);
  // Formats of printf keep their signs.
  for (char c : text)
    out += c == '%' ? "%" : substitute(llvm::StringRef(&c, 1), net);
  return out;
}
