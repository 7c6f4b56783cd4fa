// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package memhttp_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"

	"github.com/sessionbridge/session/internal/memhttp"
)

func TestConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b := memhttp.Pipe()
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}

// bubble runs a test on the two ends of a connection.
func bubble(t *testing.T, test func(t *testing.T, a, b *memhttp.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		a, b := memhttp.Pipe()
		defer b.Close()
		defer a.Close()
		test(t, a, b)
	})
}

func TestReaderGetsTheRestAfterClose(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		write(t, a, "rest")
		a.Close()
		if got, err := io.ReadAll(b); string(got) != "rest" || err != nil {
			t.Errorf("read: got %q, %v, want the rest and EOF", got, err)
		}
		_, err := b.Write([]byte("x"))
		wantOpError(t, "write to the closed end", err, syscall.EPIPE)
		_, err = a.Read(make([]byte, 1))
		wantOpError(t, "read of the closed end", err, net.ErrClosed)
		_, err = a.Write([]byte("x"))
		wantOpError(t, "write of the closed end", err, net.ErrClosed)
		a.CloseWrite()
		_, err = a.Write([]byte("x"))
		wantOpError(t, "write after Close and CloseWrite", err, net.ErrClosed)
	})
}

func TestCloseWriteLeavesTheOtherDirection(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		write(t, a, "question")
		a.CloseWrite()
		if got, err := io.ReadAll(b); string(got) != "question" || err != nil {
			t.Errorf("got %q, %v, want the question and EOF", got, err)
		}
		write(t, b, "answer")
		if got := read(t, a, 6); got != "answer" {
			t.Errorf("got %q, want the answer", got)
		}
		_, err := a.Write([]byte("x"))
		wantOpError(t, "write after CloseWrite", err, syscall.EPIPE)
	})
}

func TestResetLosesDataOnItsWay(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		write(t, a, "lost")
		write(t, b, "lost too")
		a.Reset()
		_, err := b.Read(make([]byte, 1))
		wantOpError(t, "read", err, syscall.ECONNRESET)
		_, err = b.Write([]byte("x"))
		wantOpError(t, "write", err, syscall.ECONNRESET)
		_, err = a.Read(make([]byte, 1))
		wantOpError(t, "read of the end that broke it", err, net.ErrClosed)
	})
}

func TestResetWakesTheReader(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		time.AfterFunc(time.Minute, a.Reset)
		start := time.Now()
		_, err := b.Read(make([]byte, 1))
		wantOpError(t, "read", err, syscall.ECONNRESET)
		if d := time.Since(start); d != time.Minute {
			t.Errorf("woken after %v, want 1m", d)
		}
	})
}

func TestSilence(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		write(t, a, "before")
		b.Silence()
		write(t, a, "after")
		write(t, b, "after")
		if got := read(t, b, 6); got != "before" {
			t.Errorf("got %q, want what was written before", got)
		}
		wantNothing(t, a)
		wantNothing(t, b)
		a.Reset()
		wantNothing(t, b)
		write(t, b, "into the void")
		wantNothing(t, b)
	})
}

func TestSilenceHidesClose(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		a.Silence()
		a.Close()
		wantNothing(t, b)
		write(t, b, "into the void")
	})
}

func TestSilenceFreesTheWriter(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		time.AfterFunc(time.Minute, a.Silence)
		if n, err := a.Write(make([]byte, 2*memhttp.Capacity)); n != 2*memhttp.Capacity || err != nil {
			t.Errorf("got %d, %v, want all written", n, err)
		}
	})
}

func TestFullBufferBlocksUntilTheDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		start := time.Now()
		a.SetWriteDeadline(start.Add(time.Hour))
		n, err := a.Write(make([]byte, memhttp.Capacity+1))
		wantOpError(t, "write", err, os.ErrDeadlineExceeded)
		if d := time.Since(start); n != memhttp.Capacity || d != time.Hour {
			t.Errorf("got %d bytes after %v, want %d after 1h", n, d, memhttp.Capacity)
		}
		a.SetWriteDeadline(time.Time{})
		read(t, b, 1)
		write(t, a, "x")
	})
}

func TestBlockedWriterGoesOnWhenRead(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		want := bytes.Repeat([]byte("0123456789"), memhttp.Capacity/4)
		go func() {
			defer a.Close()
			if n, err := a.Write(want); n != len(want) || err != nil {
				t.Errorf("write: got %d, %v, want %d", n, err, len(want))
			}
		}()
		synctest.Wait()
		if got, err := io.ReadAll(b); !bytes.Equal(got, want) || err != nil {
			t.Errorf("got %d bytes, %v, want the %d that were written", len(got), err, len(want))
		}
	})
}

func TestWritesDoNotMix(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		const size = memhttp.Capacity + 1
		for _, c := range []byte("xy") {
			go a.Write(bytes.Repeat([]byte{c}, size))
		}
		synctest.Wait()
		got := read(t, b, 2*size)
		for _, half := range []string{got[:size], got[size:]} {
			if half != string(bytes.Repeat([]byte{half[0]}, size)) {
				t.Error("two Writes are mixed")
			}
		}
	})
}

func TestReadDeadline(t *testing.T) {
	bubble(t, func(t *testing.T, a, b *memhttp.Conn) {
		start := time.Now()
		a.SetReadDeadline(start.Add(time.Minute))
		a.SetReadDeadline(start.Add(time.Hour)) // replaces the first
		_, err := a.Read(make([]byte, 1))
		wantOpError(t, "read", err, os.ErrDeadlineExceeded)
		if d := time.Since(start); d != time.Hour {
			t.Errorf("failed after %v, want 1h", d)
		}
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is not a timeout", err)
		}
		a.SetReadDeadline(time.Time{})
		write(t, b, "x")
		read(t, a, 1)
		a.Close()
		wantOpError(t, "read deadline of a closed end", a.SetReadDeadline(start), net.ErrClosed)
		wantOpError(t, "write deadline of a closed end", a.SetWriteDeadline(start), net.ErrClosed)
	})
}

func TestAddresses(t *testing.T) {
	a, b := memhttp.Pipe()
	if a.LocalAddr() != b.RemoteAddr() || a.RemoteAddr() != b.LocalAddr() || a.LocalAddr() == b.LocalAddr() {
		t.Errorf("%v to %v at one end, %v to %v at the other", a.LocalAddr(), a.RemoteAddr(), b.LocalAddr(), b.RemoteAddr())
	}
}

func write(t *testing.T, c net.Conn, s string) {
	t.Helper()
	if n, err := io.WriteString(c, s); n != len(s) || err != nil {
		t.Errorf("write %q: got %d, %v", s, n, err)
	}
}

func read(t *testing.T, c net.Conn, n int) string {
	t.Helper()
	p := make([]byte, n)
	if _, err := io.ReadFull(c, p); err != nil {
		t.Errorf("read: %v", err)
	}
	return string(p)
}

// wantNothing checks that a day passes without news from the other end.
func wantNothing(t *testing.T, c *memhttp.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(24 * time.Hour))
	n, err := c.Read(make([]byte, 1))
	if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %d bytes, %v, want silence", n, err)
	}
	c.SetReadDeadline(time.Time{})
}

func wantOpError(t *testing.T, what string, err, want error) {
	t.Helper()
	var op *net.OpError
	if !errors.As(err, &op) || !errors.Is(err, want) {
		t.Errorf("%s: got %v, want a net.OpError of %v", what, err, want)
	}
}
