#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `make html`: all pages are there and in the index, each has a title, every link leads to a file and an anchor that are
# there, and every page that a text names is a link. Links to other sites are not followed.
set -u
# shellcheck source=tests/tree-lib.sh
. "$(dirname -- "$0")/tree-lib.sh"
command -v python3 >/dev/null || skip "python3 is not installed (tools/install-deps installs it)"

# wrong_in DIRECTORY: a line for each mistake in its pages.
cat >"$tmp/pages.py" <<'PYTHON'
import html.parser, os, re, sys
class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.title, self.open, self.named = set(), [], "", [], set()
        self.feed(text)
    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if "id" in a: self.ids.add(a["id"])
        if tag in ("a", "link") and "href" in a: self.links.append(a["href"])
        if tag in ("a", "pre", "title"): self.open.append(tag)
    def handle_endtag(self, tag):
        if tag in self.open: self.open.remove(tag)
    def handle_data(self, text):
        if "title" in self.open: self.title += text
        elif not self.open: self.named |= set(re.findall(r"(?:docs/)?\b[A-Za-z-]+\.md\b", text))
top = sys.argv[1]
pages = {n: Page(open(os.path.join(top, n), encoding="utf-8").read()) for n in os.listdir(top) if n.endswith(".html")}
for name, page in sorted(pages.items()):
    if not page.title.strip(): print(name, "has no title")
    if name != "index.html" and name not in pages["index.html"].links: print(name, "is not in the index")
    for word in sorted(page.named): print(name, "names", word, "and has no link there")
    for link in page.links:
        if re.match(r"https?:", link): continue
        file, _, anchor = link.partition("#")
        file = file or name
        if not os.path.exists(os.path.join(top, file)): print(name, "links to", link, "- no such file")
        elif anchor and anchor not in pages[file].ids: print(name, "links to", link, "- no such anchor")
PYTHON
wrong_in() { python3 "$tmp/pages.py" "$1"; }

mkdir "$tmp/bad"
echo '<title>i</title><a href="a.html">a</a><a href="https://elsewhere.example/x">e</a>' >"$tmp/bad/index.html"
echo '<title>a</title><h1 id="is">docs/gone.md</h1><a href="#is">1</a><a href="a.html#not">2</a><a href="c.html">3</a>' >"$tmp/bad/a.html"
echo '<title> </title><pre>docs/x.md</pre>' >"$tmp/bad/b.html"
[ "$(wrong_in "$tmp/bad")" = "a.html names docs/gone.md and has no link there
a.html links to a.html#not - no such anchor
a.html links to c.html - no such file
b.html has no title
b.html is not in the index" ] || fail "the check finds: $(wrong_in "$tmp/bad")"

# not_code PAGE...: in a numbered list, code has eight blanks: lowdown takes fewer for text.
not_code() {
    awk 'FNR == 1 { list = 0; before = "" }
        /^[0-9]+\. / { list = 1 }
        /^[^ 0-9]/ { list = 0 }
        list && before == "" && /^    / && !/^        / { print FILENAME ":" FNR ": " $0 }
        { before = $0 }' "$@"
}
printf '%s\n' '    code' '' '1. item' '' '        code' '   text' '' '    no code' '' 'text' '' '    code' >"$tmp/page.md"
[ "$(not_code "$tmp/page.md")" = "$tmp/page.md:8:     no code" ] || fail "the check of lists finds: $(not_code "$tmp/page.md")"
# shellcheck disable=SC2046 # names of files are words
wrong=$(cd "$top_srcdir" && not_code $(tree_files | grep '\.md$'))
[ -z "$wrong" ] || fail "code in a list needs eight blanks: $wrong"

grep -q '^html_made = yes' "$BUILD/Makefile" ||
    skip "configured without HTML (mandoc and lowdown; tools/install-deps installs them)"
# A make of its own, not a child of the one that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL
make -s -C "$BUILD" html >"$tmp/log" 2>&1 || fail "make html: $(tail -n 5 "$tmp/log")"
wrong=$(wrong_in "$BUILD/docs/html" 2>&1)
[ -z "$wrong" ] || fail "$wrong"
pages=$(tree_files | grep -E '^docs/[^/]*\.md$|\.[1-9](\.in)?$' | sed 's,.*/,,; s,\.md$,,; s,\.in$,,')
# shellcheck disable=SC2086
pages=$(printf '%s.html\n' README NEWS HACKING index $pages | sort)
[ "$(wc -l <<<"$pages")" -ge 15 ] || fail "only these pages were found: $pages"
made=$(cd "$BUILD/docs/html" && printf '%s\n' *.html | sort)
[ "$made" = "$pages" ] || fail "pages of the tree and pages made: $(diff <(echo "$pages") <(echo "$made"))"
grep -q '<a class="Xr" href="pvscsid.8.html">' "$BUILD/docs/html/vscsi.7.html" || fail "vscsi(7) has no link to pvscsid(8)"
exit "$failed"
