#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Word completion in zsh: for each line the words that bash gets, and a terminal on which compinit has found the files.
command -v zsh >/dev/null || { echo "SKIP: zsh is not installed (tools/install-deps installs it)"; exit 77; }
# shellcheck source=tests/completion-lib.sh
. "${top_srcdir:-$(dirname -- "$0")/..}/tests/completion-lib.sh"

step "the words for each line"
completions | cut -d'|' -f1 >"$DIR/lines"
bash_words() {
    local -a typed
    # shellcheck disable=SC1091
    . "$COMPLETION/bash/xl-scsi"
    while IFS= read -r line; do
        read -ra typed <<<"${line% *}"
        echo "$line"
        _xen_pvscsi_words "${line##* }" "${typed[@]}" </dev/null
    done <"$DIR/lines"
}
# zsh's file without its last line, which calls the function.
sed '$d' "$COMPLETION/zsh/_xl-scsi" >"$DIR/functions"
cat >"$DIR/words.zsh" <<'ZSH'
source "$1/functions"
while IFS= read -r line; do
    print -r -- "$line"
    (emulate sh && _xen_pvscsi_words "${line##* }" "${(@s: :)${line% *}}" </dev/null)
done <"$1/lines"
ZSH
bash_words >"$DIR/by-bash"
zsh -f "$DIR/words.zsh" "$DIR" >"$DIR/by-zsh" 2>&1
[ "$(wc -l <"$DIR/by-bash")" -gt 150 ] || fail "only $(wc -l <"$DIR/by-bash") words"
diff "$DIR/by-bash" "$DIR/by-zsh" || fail "zsh gets other words than bash (<)"
[ ! -e "$DIR/evaluated" ] || fail "a guest's name was evaluated"

step "a terminal"
mkdir "$DIR/home"
cat >"$DIR/home/.zshrc" <<'ZSHRC'
fpath=("$FUNCTIONS" $fpath)
autoload -Uz compinit
compinit -u -d "$ZDOTDIR/dump"
bindkey -e
setopt no_beep
report() { print -r -- "$BUFFER" >"$REPORT" }
zle -N report
bindkey '^G' report
print ready >"$REPORT"
ZSHRC
FOREIGN='\$'
FUNCTIONS=$COMPLETION/zsh ZDOTDIR=$DIR/home typed zsh -d -i
