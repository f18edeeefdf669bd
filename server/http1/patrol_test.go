package http1

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatrol has watches begin when they are due, and the patrol end and begin again.
func TestPatrol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{}
		var watches [40]watch // more than there are lists
		for i := range watches {
			w := &watches[i]
			w.conn, w.beat, w.seen = &conn{server: s, socket: gone{}, cancel: func() {}}, uint(i), make(chan sight, 1)
		}
		for range 3 {
			for i := range watches {
				watches[i].arm()
				if i%2 == 0 {
					watches[i].disarm()
				}
				if i%4 == 0 {
					watches[i].arm() // for the next request
				}
			}
			begun := func() (n int) {
				for i := range watches {
					n += len(watches[i].seen)
				}
				return n
			}
			time.Sleep(watchAfter/2 - 1)
			if synctest.Wait(); begun() != 0 {
				t.Errorf("%d watches began too early", begun())
			}
			time.Sleep(watchAfter/2 + 1)
			if synctest.Wait(); begun() != 30 {
				t.Errorf("%d watches began, want 30", begun())
			}
			for i := range watches {
				w := &watches[i]
				w.disarm()
				if want := i%4 != 2; w.pending != want {
					t.Errorf("watch %d: pending is %v", i, w.pending)
				}
				if w.pending {
					w.wait()
				}
			}
			time.Sleep(time.Hour)
			if synctest.Wait(); s.patrol.running.Load() {
				t.Error("the patrol goes on without requests")
			}
			for i := range s.patrol.posts {
				for _, list := range [][]post{s.patrol.posts[i].old, s.patrol.posts[i].young} {
					for _, at := range list[:cap(list)] {
						if at.watch != nil {
							t.Fatal("a request that was answered is still held on to")
						}
					}
				}
			}
		}
	})
}

// gone is the socket of a client that has left.
type gone struct{ net.Conn }

func (gone) Read([]byte) (int, error) { return 0, io.EOF }
