// Package examples has no code of its own. Its subdirectories are programs, each the
// answer to one question:
//
//	go run ./examples/quickstart    # how do I train, judge, save and serve a classifier?
//
// They are a module apart, so that what they import never reaches a user of gram.
package examples
