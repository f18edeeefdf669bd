package config

import (
	"os"
	"testing"
)

// referenceFile is the reference as readers find it. go test -update writes it anew.
const referenceFile = "../../docs/config.md"

func TestReferenceFileIsCurrent(t *testing.T) {
	want := Reference()
	if *update {
		if err := os.WriteFile(referenceFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(referenceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/config.md is not what the schema says: run make docs")
	}
}
