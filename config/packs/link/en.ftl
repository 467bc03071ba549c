# Scheme: docs/templates.md §5.2

link-test = Link test
    .purpose = Proves that the line works from officer to officer.
    .says = This is a test of the line. It carries no other meaning.
    .headline = Link test { $serial }
link-test-serial = Test number
    .help = One higher than the test before
link-test-phrase = Test phrase
    .help = Any sentence without a second meaning
    .line = The test phrase is: { $value }

link-echo = Echo of a link test
    .purpose = Answers a link test with its phrase, as an officer read it.
    .says = We received your test of the line.
    .headline = Echo of a link test
link-echo-reference = Test
    .help = The test that this answers
    .line = It answers { $value }.
link-echo-heard = The phrase as you read it
    .help = Type the words of the test phrase yourself
    .line = We read: { $value }

link-ack-read = Read by officer
    .purpose = Says that an officer has read a statement. It does not say that anyone agrees.
    .says = An officer has read your statement. Reading is not agreeing.
    .headline = Read by officer
link-ack-read-reference = Statement read
    .help = The statement that was read
