//go:build !race

package host_test

// sample is how many modules of the corpus stand for one: here each for itself.
const sample = 1
