# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A copy of the source tree that uses the objects of a build at hand.

Its folder build/ holds links to the build; what is made anew lies in front of
them. Nothing is written into the build itself."""

import json
import os
import re
import shlex
import shutil
import subprocess

FOLDERS = ("cmake", "docs", "include", "lib", "python", "test", "tools")


def link_tree(source, target):
    """Folders of their own, with a link for each file of `source`."""
    for root, _, names in os.walk(source):
        folder = os.path.join(target, os.path.relpath(root, source))
        os.makedirs(folder, exist_ok=True)
        for name in names:
            # Lists of dependencies would be written through their links.
            if not name.endswith(".d"):
                os.symlink(os.path.join(root, name), os.path.join(folder, name))


class Tree:
    def __init__(self, source, build, root):
        self.source, self.built, self.root = source, build, root
        self.build = os.path.join(root, "build")
        self.touched = []
        for name in FOLDERS:
            shutil.copytree(os.path.join(source, name),
                            os.path.join(root, name), symlinks=True)
        link_tree(os.path.join(build, "include"),
                  os.path.join(self.build, "include"))
        os.makedirs(os.path.join(self.build, "bin"))
        for name in os.listdir(build):
            path = os.path.join(self.build, name)
            if not os.path.exists(path):
                os.symlink(os.path.join(build, name), path)

    def path(self, name):
        return os.path.join(self.root, name)

    def exists(self, name):
        return os.path.exists(self.path(name))

    def read(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        self.touched.append(name)

    def here(self, command):
        """A command of the build with the paths of the copy."""
        new = {self.built: self.build, self.source: self.root}
        return re.sub(f"{re.escape(self.built)}|{re.escape(self.source)}",
                      lambda match: new[match[0]], command)

    def execute(self, command):
        subprocess.run(["bash", "-c", command], check=True, cwd=self.build)

    def ninja(self, *words):
        """The commands that make a target of the build."""
        done = subprocess.run(["ninja", "-C", self.built, *words], check=True,
                              text=True, stdout=subprocess.PIPE)
        return [line for line in done.stdout.split("\n") if line.strip()]

    def generate(self):
        """Makes the .inc files of the touched .td files; the names of those
        that changed."""
        if not any(name.endswith(".td") for name in self.touched):
            return []
        changed = []
        with open(os.path.join(self.built, "build.ninja")) as file:
            rules = re.findall(r"^  COMMAND = (.*mlir-tblgen .*)$", file.read(),
                               re.M)
        for command in rules:
            output = re.search(r" -o (\S+)", command)
            if not output or "/include/qc/" not in command:
                continue
            command = self.here(command).replace("$$", "$")
            folder = re.match(r"cd (\S+) && ", command)
            target = os.path.join(folder[1] if folder else self.build,
                                  self.here(output[1]))
            with open(target) as file:
                before = file.read()
            os.unlink(target)
            self.execute(command)
            with open(target) as file:
                if file.read() != before:
                    changed.append(os.path.basename(target))
        return changed

    def sources(self, changed):
        """Touched sources, and those that hold changed definitions."""
        lists = [name for name in changed if name.endswith(".cpp.inc")]
        found = {name for name in self.touched if name.endswith(".cpp")}
        for root, _, names in os.walk(self.path("lib")):
            for name in names:
                relative = os.path.relpath(os.path.join(root, name), self.root)
                if name.endswith(".cpp") and lists:
                    text = self.read(relative)
                    if any(f'/{entry}"' in text for entry in lists):
                        found.add(relative)
        return sorted(found)

    def units(self):
        """What the build compiles, by source: (its command, the file that it
        compiles). Several sources may share a file that includes them."""
        with open(os.path.join(self.built, "compile_commands.json")) as file:
            entries = json.load(file)
        found = {}
        for entry in entries:
            path = os.path.join(entry["directory"], entry["file"])
            sources = [path]
            if os.path.basename(path).startswith("unity_"):
                with open(path) as file:
                    sources = re.findall(r'^#include "(.*)"', file.read(), re.M)
            for source in sources:
                found[os.path.relpath(source, self.source)] = (
                    entry["command"], path)
        return found

    def compile(self, command, path, name):
        """Compiles the copy's version of a file of the build; its object."""
        mine = os.path.join("new", name.replace("/", "_"))
        os.makedirs(os.path.join(self.build, "new"), exist_ok=True)
        target = re.search(r" -o (\S+)", command)[1]
        command = self.here(command).replace(f" -o {self.here(target)}",
                                             f" -o {mine}.o")
        command = re.sub(r" -MD\b| -M[TF] \S+", "", command)
        if os.path.basename(path).startswith("unity_"):
            with open(path) as file:
                text = self.here(file.read())
            with open(os.path.join(self.build, mine), "w") as file:
                file.write(text)
            command = command.replace(f" -c {self.here(path)}", f" -c {mine}")
        self.execute(command)
        return mine + ".o"

    def rebuild(self, tools):
        units, objects = self.units(), {}
        for name in self.sources(self.generate()):
            if name not in units:
                continue
            command, path = units[name]
            if path not in objects:
                objects[path] = self.compile(command, path, name)
            print(f"  compiled {name}", flush=True)
        mine = " ".join(shlex.quote(entry) for entry in objects.values())
        for tool in tools:
            link = self.here(self.ninja("-t", "commands", "-s",
                                        f"bin/{tool}")[-1])
            self.execute(link.replace(" -o ", f" {mine} -o ", 1))
