// Package examples has no code of its own. Its subdirectories are programs, each the
// answer to one question:
//
//	go run ./examples/quickstart    # how do I train, judge, save and serve a classifier?
//	go run ./examples/gonumspeed    # how do I make a gonum program faster with one line?
//	go run ./examples/fraud         # how do I judge a model of rare events, and when does acting on it pay?
//	go run ./examples/leakage       # how much can a search that leaks pretend?
//	go run ./examples/quantize      # what do I win and lose by a model in int8?
//	go run ./examples/anomaly       # which rows are unlike the others, and what if the world moves on?
//	go run ./examples/boosting      # when to stop boosting, and what do the columns contribute?
//	go run ./examples/stack         # what do I win by combining models, and do their probabilities come true?
//	go run ./examples/clicks        # what does it help to know who likes what?
//	go run ./examples/em            # what does the EM algorithm do, and how does it go wrong?
//	go run ./examples/sampling      # how do the mean and the variance of small samples scatter?
//	go run ./examples/choose-k      # how many principal components do I keep, and do they predict?
//	go run ./examples/activations   # what do activation functions and their derivatives look like?
//
// They are a module apart, so that what they import never reaches a user of gram.
package examples
