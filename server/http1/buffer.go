package http1

import "sync"

// bufferSize is what is read of a request at once, which its head has to fit in, and what is gathered of an answer.
const bufferSize = 4 << 10

var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func getBuffer() []byte { return buffers.Get().(*[bufferSize]byte)[:] }

// putBuffer takes a buffer of getBuffer back. One that append has replaced by a larger one is left to the collector.
func putBuffer(b []byte) {
	if cap(b) == bufferSize {
		buffers.Put((*[bufferSize]byte)(b[:bufferSize]))
	}
}
