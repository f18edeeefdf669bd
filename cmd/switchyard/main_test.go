package main

import (
	"context"
	"fmt"
	"os"
	"testing"
)

// TestMain lets this binary be the compiler that routers in its tests start.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == compileModule {
		if err := run(context.Background(), os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
