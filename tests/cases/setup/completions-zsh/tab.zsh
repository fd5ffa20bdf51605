# Each line as the line editor of an interactive zsh leaves it after a Tab, in the file `said`:
# tab.zsh FOLDER LINE ..., where FOLDER has the completions.
zmodload zsh/zpty
zpty z "TERM=dumb zsh -f -i"
zpty -w z "PROMPT= RPROMPT= fpath=(${(q)1} \$fpath)"
zpty -w z 'autoload -Uz compinit; compinit -u -D; setopt noautolist nobeep'
zpty -w z 'tab() { zle complete-word; print -r -- "<$BUFFER>" >>said; BUFFER=; zle accept-line; }; zle -N tab; bindkey "^I" tab'
for line in "${@:2}"; do zpty -n -w z "$line"$'\t'; done
zpty -w z 'exit'
while zpty -r z out; do :; done
