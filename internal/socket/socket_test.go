//go:build unix

package socket

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// pair returns both ends of a connection, the first of them wrapped.
func pair(t testing.TB) (net.Conn, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	far, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := Listen(ln).Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, plain := near.(*net.TCPConn); plain && runtime.GOOS == "linux" {
		t.Fatal("it was not wrapped")
	}
	t.Cleanup(func() { _ = near.Close(); _ = far.Close() })
	return near, far.(*net.TCPConn)
}

// TestCarriesEverything sends more than the buffers of sockets take, in both directions at once, in pieces of any size.
func TestCarriesEverything(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	out, back := noise(5<<20), noise(7<<20)
	var wg sync.WaitGroup
	send := func(w net.Conn, data []byte) {
		for rest := data; len(rest) > 0; {
			n, err := w.Write(rest[:1+rand.IntN(min(len(rest), 1<<20))])
			if err != nil {
				t.Errorf("write: %v", err)
				break
			}
			rest = rest[n:]
		}
	}
	receive := func(r io.Reader, want []byte) {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read: %v, the same: %v", err, bytes.Equal(got, want))
		}
	}
	wg.Go(func() { send(near, out) })
	wg.Go(func() { receive(far, out) })
	wg.Go(func() { send(far, back) })
	wg.Go(func() { receive(near, back) })
	wg.Wait()
	pieces := net.Buffers{noise(3), noise(2 << 20), nil, noise(1)}
	whole := bytes.Join(pieces, nil)
	wg.Go(func() { receive(far, whole) })
	if n, err := WriteAll(near, &pieces); n != int64(len(whole)) || err != nil {
		t.Errorf("wrote %d of %d: %v", n, len(whole), err)
	}
	wg.Wait()
	if err := far.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if n, err := near.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %d, %v", n, err)
	}
	if n, err := near.Read(nil); n != 0 || err != nil {
		t.Errorf("reading nothing: %d, %v", n, err)
	}
	if n, err := near.Write(nil); n != 0 || err != nil {
		t.Errorf("writing nothing: %d, %v", n, err)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return b
}

// TestErrors are what those of a plain connection are.
func TestErrors(t *testing.T) {
	t.Parallel()
	full := make([]byte, 16<<20)
	for name, c := range map[string]struct {
		do   func(near net.Conn, far *net.TCPConn) error
		want error
	}{
		"read after its deadline": {func(near net.Conn, _ *net.TCPConn) error {
			_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := near.Read(make([]byte, 1))
			return err
		}, os.ErrDeadlineExceeded},
		"write after its deadline": {func(near net.Conn, _ *net.TCPConn) error {
			_ = near.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, err := near.Write(full)
			return err
		}, os.ErrDeadlineExceeded},
		"read while it is closed": {func(near net.Conn, far *net.TCPConn) error {
			go func() {
				_, _ = far.Read(make([]byte, 1)) // by then it reads
				_ = near.Close()
			}()
			_, _ = near.Write([]byte("x"))
			_, err := near.Read(make([]byte, 1))
			return err
		}, net.ErrClosed},
		"write after it was closed": {func(near net.Conn, _ *net.TCPConn) error {
			_ = near.Close()
			_, err := near.Write([]byte("x"))
			return err
		}, net.ErrClosed},
		"read after a reset": {func(near net.Conn, far *net.TCPConn) error {
			_ = far.SetLinger(0)
			_ = far.Close()
			_, err := near.Read(make([]byte, 1))
			return err
		}, syscall.ECONNRESET},
		"write after a reset": {func(near net.Conn, far *net.TCPConn) error {
			_ = far.SetLinger(0)
			_ = far.Close()
			_, _ = near.Read(make([]byte, 1))
			_, err := near.Write([]byte("x"))
			return err
		}, syscall.EPIPE},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			near, far := pair(t)
			err := c.do(near, far)
			if !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if op, ok := errors.AsType[*net.OpError](err); !ok || op.Timeout() != errors.Is(c.want, os.ErrDeadlineExceeded) {
				t.Errorf("%#v", err)
			}
		})
	}
}

// TestWriteTellsHowMuch is what callers need to know whether anything has left.
func TestWriteTellsHowMuch(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	_ = near.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	n, err := near.Write(make([]byte, 64<<20))
	if n == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%d, %v", n, err)
	}
	_ = near.Close()
	if got, err := io.Copy(io.Discard, far); got != int64(n) || err != nil {
		t.Errorf("%d bytes came of %d that were said to be written: %v", got, n, err)
	}
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	if !Quiet(near) {
		t.Error("nothing has happened")
	}
	_, _ = far.Write([]byte("xy"))
	got := make([]byte, 1)
	if _, err := near.Read(got); err != nil {
		t.Fatal(err)
	}
	if Quiet(near) {
		t.Error("there was a byte to read")
	}
	_ = far.CloseWrite()
	if n, err := near.Read(got); !errors.Is(err, io.EOF) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if Quiet(near) {
		t.Error("the other side has closed")
	}
	_ = near.Close()
	if Quiet(near) {
		t.Error("it is closed")
	}
}

func TestOthersStayAsTheyAre(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer func() { _ = a.Close(); _ = b.Close() }()
	if Wrap(a) != a {
		t.Error("a pipe is no socket")
	}
	go func() { _, _ = WriteAll(a, &net.Buffers{[]byte("o"), []byte("k")}) }()
	got := make([]byte, 2)
	if _, err := io.ReadFull(b, got); err != nil || string(got) != "ok" {
		t.Errorf("%q, %v", got, err)
	}
}

// BenchmarkAnswer answers another process, which asks again when it has the answer. What a process does to go to sleep and
// to wake up is most of it, so it is the processor time that counts.
func BenchmarkAnswer(b *testing.B) {
	for _, kind := range []string{"plain", "wrapped"} {
		b.Run(kind, func(b *testing.B) {
			b.ReportAllocs()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = ln.Close() }()
			asker := exec.CommandContext(b.Context(), os.Args[0])
			asker.Env = append(os.Environ(), askEnv+"="+ln.Addr().String())
			if err := asker.Start(); err != nil {
				b.Fatal(err)
			}
			c, err := ln.Accept()
			if err != nil {
				b.Fatal(err)
			}
			if kind == "wrapped" {
				c = Wrap(c)
			}
			buf := make([]byte, len(question))
			var before, after syscall.Rusage
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
			for b.Loop() {
				if _, err := c.Read(buf); err != nil {
					b.Fatal(err)
				}
				if _, err := c.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
			cpu := time.Duration(after.Utime.Nano() - before.Utime.Nano() + after.Stime.Nano() - before.Stime.Nano())
			b.ReportMetric(float64(cpu)/float64(b.N), "cpu-ns/op")
			_ = c.Close()
			_ = asker.Wait()
		})
	}
}

const askEnv = "SOCKET_TEST_ASKS"

var question = make([]byte, 500)

func TestMain(m *testing.M) {
	if addr := os.Getenv(askEnv); addr != "" {
		ask(addr)
		return
	}
	os.Exit(m.Run())
}

// ask asks until nobody answers.
func ask(addr string) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	buf := make([]byte, len(question))
	for {
		if _, err := c.Write(question); err != nil {
			return
		}
		if _, err := io.ReadFull(c, buf); err != nil {
			return
		}
	}
}
