package jsonraw_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImports keeps out of the package what would make every guest that uses it large and slow.
func TestImports(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", ".")
	list.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := strings.Fields(string(out))
	if !slices.Contains(imports, "strconv") {
		t.Fatalf("the list lacks strconv, which is known to be imported: %q", imports)
	}
	for _, heavy := range []string{"reflect", "fmt", "encoding/json", "encoding/binary", "os", "time", "regexp"} {
		if slices.Contains(imports, heavy) {
			t.Errorf("imports %s, which adds hundreds of KB to each guest", heavy)
		}
	}
}
