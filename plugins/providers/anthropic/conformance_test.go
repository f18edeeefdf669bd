package main

import (
	"testing"

	"github.com/switchyard-gateway/switchyard/host/hosttest"
)

func TestConformance(t *testing.T) { hosttest.Provider(t, ".") }
