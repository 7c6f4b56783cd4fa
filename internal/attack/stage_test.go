// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sessionbridge/session/internal/attack"
)

// zeros is a body of many zeros.
type zeros struct{ left int }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), z.left)
	clear(p[:n])
	z.left -= n
	return n, nil
}

const huge = 100 << 20

// sendHugeBody sends 100 MiB to a held session, with and without saying so
// before.
func sendHugeBody(ctx context.Context, a *arena) (string, error) {
	h, err := a.hold(ctx, attack.Request{Method: "GET", Key: attackerKey, ID: victimID})
	if err != nil {
		return "", err
	}
	defer h.Close()
	for _, head := range [][2]string{{"Content-Length", fmt.Sprint(huge)}, {"Transfer-Encoding", "chunked"}} {
		r := attack.Request{Method: "PUT", Key: attackerKey, ID: victimID, More: [][2]string{head}}
		if err := a.sendHuge(ctx, r, head[0] != "Content-Length"); err != nil {
			return "", fmt.Errorf("%s: %w", head[0], err)
		}
	}
	return badBody, nil
}

// sendHuge sends 100 MiB and reads the answer meanwhile.
func (a *arena) sendHuge(ctx context.Context, r attack.Request, chunked bool) error {
	p, err := a.send(ctx, r.HTTP1())
	if err != nil {
		return err
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		body, chunk := &zeros{left: huge}, make([]byte, 1<<20)
		for n, err := body.Read(chunk); err == nil; n, err = body.Read(chunk) {
			if chunked {
				fmt.Fprintf(p, "%x\r\n", n)
			}
			if _, err := p.Write(chunk[:n]); err != nil {
				return // the server has heard enough
			}
			if chunked {
				io.WriteString(p, "\r\n")
			}
			time.Sleep(time.Millisecond)
		}
	}()
	line, err := p.in.ReadString('\n')
	p.Close()
	<-sent
	if want := "HTTP/1.1 " + badBody + "\r\n"; err != nil || line != want {
		return fmt.Errorf("%w: %q, %v, want %q", errWrong, line, err, want)
	}
	return nil
}

// sendHugePost sends more than a session may have on a POST.
func sendHugePost(ctx context.Context, a *arena) (string, error) {
	reader, writer := io.Pipe()
	defer writer.Close()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+a.TLS+attack.Path, reader)
	if err != nil {
		return "", err
	}
	r.Header.Set(attack.KeyHeader, attackerKey)
	r.Header.Set("Cookie", attack.CookieName+"="+victimID)
	client := attack.NewClient(true)
	defer client.CloseIdleConnections()
	res, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		io.Copy(writer, &zeros{left: huge})
		writer.Close()
	}()
	said, err := io.ReadAll(res.Body)
	reader.Close()
	<-sent
	if !strings.Contains(string(said), `{"s":false,"m":"Failed to deserialize session state.`) {
		return "", fmt.Errorf("%w: %q, %v", errWrong, said, err)
	}
	return `{"s":false}`, nil
}

// cutOff sends a piece of each request and closes the connection, at every
// stage: after some bytes of the head, of the body, and of what TLS and HTTP/2
// begin with.
func cutOff(ctx context.Context, a *arena) (string, error) {
	put := withLength(attack.Request{Method: "PUT", Key: attackerKey, ID: victimID}, attack.Update(victimID, 20, "n", "1"))
	get := attack.Request{Method: "GET", Key: attackerKey, ID: victimID}.HTTP1()
	n := 0
	for _, text := range []string{put, get, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x06\x04\x00\x00\x00\x00\x00"} {
		for at := 0; at <= len(text); at += 23 {
			p, err := a.send(ctx, text[:at])
			if err != nil {
				return "", err
			}
			p.Close()
			if n++; n%4 == 0 {
				time.Sleep(time.Millisecond)
			}
		}
	}
	if err := cutOffTLS(ctx, a); err != nil {
		return "", err
	}
	return "released", a.isFree(ctx, victimID, 5*time.Second)
}

// cutOffTLS closes connections in the middle of a handshake, and after it.
func cutOffTLS(ctx context.Context, a *arena) error {
	const hello = "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"
	for at := range len(hello) {
		conn, err := attack.DialPlain(ctx, a.TLS)
		if err != nil {
			return err
		}
		io.WriteString(conn, hello[:at])
		conn.Close()
	}
	conn, err := attack.DialTLS(ctx, a.TLS, "h2")
	if err != nil {
		return err
	}
	return conn.Close()
}

// holdAndLeave holds a session by GET and closes the connection, while another
// waits, who leaves too.
func holdAndLeave(ctx context.Context, a *arena) (string, error) {
	r := attack.Request{Method: "GET", Key: attackerKey, ID: victimID, Trace: "3"}
	h, err := a.hold(ctx, r)
	if err != nil {
		return "", err
	}
	queued, err := a.send(ctx, r.HTTP1())
	if err != nil {
		h.Close()
		return "", err
	}
	err = a.await(ctx, func(c attack.Census) bool { return c.Waiters >= 1 })
	queued.Close()
	h.Close()
	if err != nil {
		return "", err
	}
	if err := a.isFree(ctx, victimID, 5*time.Second); err != nil {
		return "", err
	}
	err = a.expect(ctx, attack.Request{Method: "PUT", Key: attackerKey, ID: victimID, Trace: "3"}, attack.Update(victimID, 20, "n", "1"), noHold)
	return "released; the PUT " + noHold, err
}

// await takes the census until it is as wanted.
func (a *arena) await(ctx context.Context, wanted func(attack.Census) bool) error {
	for {
		c, err := attack.Take(ctx, a.Admin)
		if err != nil || wanted(c) {
			return err
		}
	}
}
