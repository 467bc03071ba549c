# General words (docs/templates.md §5.2). `$amount` chooses singular or plural.

unit-kn = { $amount ->
    [one] { $value } knot
   *[other] { $value } knots
  }
unit-nm = { $amount ->
    [one] { $value } nautical mile
   *[other] { $value } nautical miles
  }
unit-m = { $amount ->
    [one] { $value } metre
   *[other] { $value } metres
  }
unit-ft = { $amount ->
    [one] { $value } foot
   *[other] { $value } feet
  }
unit-min = { $amount ->
    [one] { $value } minute
   *[other] { $value } minutes
  }
unit-deg-T = { $value } degrees true

statement-reference = statement { $value }
reply-by = Reply asked for by { $dtg }.
attachment = Attachment { $name }: { $type }, { $size } bytes, digest { $digest }
free-text = Free text in { $language }, exactly as written:

language-ar = Arabic
language-de = German
language-en = English
language-es = Spanish
language-fr = French
language-it = Italian
language-ja = Japanese
language-ko = Korean
language-ru = Russian
language-zh = Chinese

flag-unknown = Template { $id } is not held here: shown as a table of its fields.
flag-other-version = Filled from { $id } version { $theirs }, ours is version { $ours } and not the same to the byte: shown as a table of its fields.
flag-fields = Does not fit its template ({ $reason }): shown as a table of its fields.
flag-reference = { $field } names a statement that is not among the references of this one.

caution-word = "{ $word }" may be read as a threat or an ultimatum.
caution-length = { $words } words: keep a { $precedence } under { $most }.
