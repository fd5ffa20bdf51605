# MODEL, DATA and OUT stand in rules and in command lines: what make or the shell
# would read as something else is refused before anything runs.

names_hash := \#
names_open := (
names_close := )
names_bad := ' " ` ; & | < > * ? [ ] { } : % ! \ ~ $$ $(names_hash) $(names_open) $(names_close)

$(foreach v,MODEL DATA OUT,\
  $(if $(filter-out 0 1,$(words $(value $(v)))),\
    $(error $(v) must be a name without blanks, found '$(value $(v))'))\
  $(foreach c,$(names_bad),$(if $(findstring $(c),$(value $(v))),\
    $(error $(v) must be a name without '$(c)', found '$(value $(v))')))\
  $(if $(filter -%,$(value $(v))),\
    $(error $(v) must not begin with '-', found '$(value $(v))')))
