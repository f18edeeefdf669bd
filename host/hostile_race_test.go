//go:build race

package host_test

// sample is how many modules of the corpus stand for one: compiling under the race detector takes ten times as long, and
// the detector sees nothing of what guests do.
const sample = 8
