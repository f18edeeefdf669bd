package host

import (
	"fmt"
	"os"
	"testing"
)

// CompilerOfTests is an Options.Compiler: this binary, which compiles one module when it is started so.
func CompilerOfTests() []string { return []string{"/proc/self/exe", "compile-module"} }

// QuickCompiler returns an Options.Compiler for tests that compile much and don't test that. Under the race detector it is
// one that the detector does not slow down.
var QuickCompiler = func(testing.TB) []string { return CompilerOfTests() }

// hangingCompiler is one that never ends. It says its process id through a named pipe.
func hangingCompiler(pipe string) []string { return []string{"/proc/self/exe", "hang", pipe} }

func TestMain(m *testing.M) {
	var err error
	switch {
	case len(os.Args) == 2 && os.Args[1] == "compile-module":
		err = CompilerMain(os.Stdin, os.Stdout)
	case len(os.Args) == 3 && os.Args[1] == "hang":
		err = hang(os.Args[2])
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hang(pipe string) error {
	f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
		return err
	}
	nothing, held, err := os.Pipe()
	if err != nil {
		return err
	}
	defer held.Close()
	_, err = nothing.Read(make([]byte, 1)) // waits for the end of the process
	return err
}
