// Guest is a strategy in Go that misbehaves as the group of a call asks. Whatever it gets hold of that it should not makes it
// panic with "escaped".
package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/strategy"
)

func init() { strategy.Register(guest{}) }

func main() {}

type guest struct{}

func (guest) Describe() abi.Description {
	return abi.Description{Name: "guest", Version: "1.0.0", About: "misbehaves"}
}

func (guest) Configure([]byte) error { return nil }

func (guest) Score(in abi.View, out *abi.ScoreOutput) error {
	if do := deeds[string(in.Group())]; do != nil {
		do(out)
	}
	return nil
}

var (
	kept [][]byte
	sink any
)

var deeds = map[string]func(*abi.ScoreOutput){
	"loop": func(*abi.ScoreOutput) {
		for n := 0; ; n++ {
			sink = n
		}
	},
	"goroutine": func(*abi.ScoreOutput) {
		go func() {
			for n := 0; ; n++ {
				sink = n
			}
		}()
		runtime.Gosched()
	},
	"goroutines": func(*abi.ScoreOutput) {
		for {
			go func() { select {} }()
			runtime.Gosched()
		}
	},
	"recursion": func(*abi.ScoreOutput) { sink = deeper(1) },
	"allocate": func(*abi.ScoreOutput) {
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	},
	"allocate-once": func(*abi.ScoreOutput) { kept = append(kept, make([]byte, 1<<40)) },
	"collect": func(*abi.ScoreOutput) {
		for {
			runtime.GC()
		}
	},
	"text": func(*abi.ScoreOutput) {
		for s := "x"; ; s += s {
			sink = strings.ToUpper(s)
		}
	},
	"log": func(*abi.ScoreOutput) {
		for {
			strategy.Log(abi.LogError, "spam")
		}
	},
	"print": func(*abi.ScoreOutput) {
		for {
			fmt.Fprintln(os.Stderr, "spam")
			fmt.Println("spam")
		}
	},
	"sleep": func(*abi.ScoreOutput) { time.Sleep(time.Hour) },
	"yield": func(*abi.ScoreOutput) {
		for {
			runtime.Gosched()
		}
	},
	"select":  func(*abi.ScoreOutput) { select {} },
	"channel": func(*abi.ScoreOutput) { <-make(chan int) },
	"mutex": func(*abi.ScoreOutput) {
		var m sync.Mutex
		m.Lock()
		m.Lock()
	},
	"random": func(*abi.ScoreOutput) {
		b := make([]byte, 1<<20)
		for {
			_, _ = rand.Read(b)
		}
	},
	"panic":      func(*abi.ScoreOutput) { panic("on purpose\n\x1b[31m" + strings.Repeat("x", 1<<16)) },
	"nil":        func(*abi.ScoreOutput) { *(*int)(nil) = 1 },
	"index":      func(out *abi.ScoreOutput) { out.Scores[len(out.Scores)] = 1 },
	"map":        func(*abi.ScoreOutput) { map[string]int(nil)["x"] = 1 },
	"exit":       func(*abi.ScoreOutput) { os.Exit(0) },
	"kill":       func(*abi.ScoreOutput) { _ = syscall.Kill(1, 9); syscall.Exit(137) },
	"long":       func(out *abi.ScoreOutput) { out.Reason = strings.Repeat("\r\n", 1<<20) },
	"many":       func(out *abi.ScoreOutput) { out.Scores = make([]float64, 1<<20) },
	"overwrite":  func(*abi.ScoreOutput) { overwrite() },
	"recovering": func(*abi.ScoreOutput) { recovering() },
	"files": func(*abi.ScoreOutput) {
		for _, path := range []string{"/etc/passwd", "/proc/self/environ", "..", "/", "plugins.yaml", "/dev/stdin"} {
			if b, err := os.ReadFile(path); err == nil {
				panic(fmt.Sprintf("escaped: %s has %d bytes", path, len(b)))
			}
			if list, err := os.ReadDir(path); err == nil {
				panic(fmt.Sprintf("escaped: %s has %d entries", path, len(list)))
			}
			if err := os.WriteFile(path+"/x", nil, 0o600); err == nil {
				panic("escaped: wrote below " + path)
			}
		}
		if n, err := os.Stdin.Read(make([]byte, 16)); err == nil && n > 0 {
			panic("escaped: read from stdin")
		}
	},
	"environment": func(*abi.ScoreOutput) {
		if len(os.Environ()) > 0 || len(os.Args) > 1 {
			panic(fmt.Sprintf("escaped: %q %q", os.Environ(), os.Args))
		}
	},
	"network": func(*abi.ScoreOutput) {
		if c, err := net.Dial("tcp", "127.0.0.1:22"); err == nil {
			panic("escaped: " + c.RemoteAddr().String())
		}
		if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
			// The network of this platform is one inside the process; nobody outside can reach it.
			_ = l.Close()
		}
		if _, err := http.Get("http://127.0.0.1/"); err == nil {
			panic("escaped by HTTP")
		}
	},
	"process": func(*abi.ScoreOutput) {
		if err := exec.Command("/bin/true").Run(); err == nil {
			panic("escaped: ran a process")
		}
	},
}

func deeper(n int) int { return n + deeper(n+1)*n }

func recovering() {
	for {
		func() {
			defer func() { _ = recover() }()
			panic("again")
		}()
	}
}

// overwrite writes over all of the guest's memory, the Go runtime's own data included.
func overwrite() {
	for at := uintptr(1 << 12); ; at++ {
		*(*byte)(unsafe.Add(nil, at)) = 0xff
	}
}
