// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sessionbridge/session/internal/daemon"
	"github.com/sessionbridge/session/wire"
)

const (
	key       = "5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"
	secondKey = "1f8cc1b4-5a2d-4b54-8b3f-7b7f3a1bae21"
	path      = "/systemweb-adapters/session"
	keyHeader = "X-SystemWebAdapter-RemoteAppAuthentication-Key"
	readOnly  = "X-SystemWebAdapter-RemoteAppSession-ReadOnly"
)

// config returns the defaults with a key and free ports.
func config(t *testing.T) daemon.Config {
	t.Helper()
	c, err := daemon.DefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	c.Listen = daemon.List{"127.0.0.1:0"}
	c.Admin.Listen = "127.0.0.1:0"
	c.Key = daemon.List{key}
	c.Store = "memory"
	return c
}

// A running is a daemon with the end of its Wait.
type running struct {
	*daemon.Daemon
	stop func()     // as SIGTERM does
	end  chan error // of Wait
}

// started starts a daemon that the test may stop, and that is stopped with it.
func started(t *testing.T, c daemon.Config, log *slog.Logger) *running {
	t.Helper()
	d, err := daemon.Start(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Daemon: d, stop: stop, end: make(chan error, 1)}
	go func() { r.end <- d.Wait(ctx) }()
	t.Cleanup(func() { r.stop(); r.wait(t) })
	return r
}

// wait waits until the daemon has ended, and returns how.
func (r *running) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-r.end:
		r.end <- err
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("the daemon does not end")
		return nil
	}
}

// newClient returns a client that trusts anybody and has connections of its
// own.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// send sends a request and checks its status. The body is the caller's to
// close.
func send(t *testing.T, r *http.Request, status int) *http.Response {
	t.Helper()
	answer, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != status {
		t.Fatalf("%s %s was answered with %s, want %d", r.Method, r.URL.Path, answer.Status, status)
	}
	return answer
}

func request(t *testing.T, method, url string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(keyHeader, key)
	return r
}

// fetch returns the status and the body at a URL.
func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := newClient(t).Do(request(t, http.MethodGet, url, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// read reads a session with an API key and returns the status.
func (r *running) read(t *testing.T, apiKey string) int {
	t.Helper()
	req := request(t, http.MethodGet, r.URLs()[0]+path, nil)
	req.Header.Set(keyHeader, apiKey)
	req.Header.Set(readOnly, "true")
	answer, err := newClient(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// hold opens a new session for writing.
func (r *running) hold(t *testing.T) (wire.Session, io.Reader) {
	t.Helper()
	answer := send(t, request(t, http.MethodGet, r.URLs()[0]+path, nil), http.StatusOK)
	s, err := wire.Read(answer.Body, wire.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return s, answer.Body
}

// put commits a session, on a connection of its own.
func (r *running) put(t *testing.T, s wire.Session, status int) {
	t.Helper()
	req := request(t, http.MethodPut, r.URLs()[0]+path, wire.Append(nil, &s))
	req.Header.Set("Cookie", "ASP.NET_SessionId="+s.ID)
	send(t, req, status)
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func TestRunAnnouncesEachListener(t *testing.T) {
	c := config(t)
	c.Listen = daemon.List{"127.0.0.1:0", "0.0.0.0:0"}
	reader, writer := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- daemon.Run(ctx, c, writer, testLog(t)) }()
	buf := make([]byte, 1024)
	n, err := reader.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(buf[:n]), "\n"), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "ready http://127.0.0.1:") ||
		!strings.HasPrefix(lines[1], "ready http://localhost:") || !strings.HasSuffix(lines[2], " admin") {
		t.Errorf("it announced %q", lines)
	}
	for _, line := range lines {
		if _, body := fetch(t, strings.Fields(line)[1]+"/"); body == "" {
			t.Errorf("nothing is served at %s", line)
		}
	}
	stop()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

// A brokenWriter is the end of a pipe that nobody reads.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestRunEndsIfNobodyHearsThatItIsReady(t *testing.T) {
	err := daemon.Run(t.Context(), config(t), brokenWriter{}, testLog(t))
	if want := "telling that the daemon is ready: io: read/write on closed pipe"; err == nil || err.Error() != want {
		t.Errorf("Run returned %v, want %s", err, want)
	}
}

func TestOtherPaths(t *testing.T) {
	d := started(t, config(t), testLog(t))
	for _, other := range []string{"/", path + "/", "/Systemweb-adapters/session", "/x/.." + path, "/" + path, path + "/../session"} {
		answer := send(t, request(t, http.MethodPost, d.URLs()[0]+other, nil), http.StatusNotFound)
		var problem struct{ Status, Detail any }
		if err := json.NewDecoder(answer.Body).Decode(&problem); err != nil {
			t.Errorf("%s: %v", other, err)
		}
		if detail, _ := problem.Detail.(string); !strings.Contains(detail, " "+path+",") || problem.Status != 404.0 {
			t.Errorf("%s: the problem is %v, want 404 and the path that is served", other, problem)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/problem+json", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", other, name, got, want)
			}
		}
	}
}

func TestHTTPAndHTTPSAtOnce(t *testing.T) {
	c := config(t)
	c.TLS = daemon.WriteCertificate(t, t.TempDir(), "localhost")
	c.Listen = daemon.List{"http://127.0.0.1:0", "127.0.0.1:0"}
	d := started(t, c, testLog(t))
	for i, want := range []struct{ scheme, proto string }{{"http://", "HTTP/1.1"}, {"https://", "HTTP/2.0"}} {
		url := d.URLs()[i]
		if !strings.HasPrefix(url, want.scheme) {
			t.Errorf("listener %d is at %s, want %s", i, url, want.scheme)
		}
		req := request(t, http.MethodGet, url+path, nil)
		req.Header.Set(readOnly, "true")
		if answer := send(t, req, http.StatusOK); answer.Proto != want.proto {
			t.Errorf("%s answered with %s, want %s", url, answer.Proto, want.proto)
		}
	}
}

func TestHealthAndMetrics(t *testing.T) {
	d := started(t, config(t), testLog(t))
	if status, body := fetch(t, d.AdminURL()+"/healthz"); status != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz is %d %q, want 200 ok", status, body)
	}
	s, rest := d.hold(t)
	_, held := fetch(t, d.AdminURL()+"/metrics")
	d.put(t, s, http.StatusOK)
	io.Copy(io.Discard, rest)
	d.read(t, "not a key")
	d.read(t, key)
	fetch(t, d.URLs()[0]+"/elsewhere")
	_, ended := fetch(t, d.AdminURL()+"/metrics")
	for _, want := range []struct{ in, series string }{
		{held, "sessionbridge_holds 1\n"},
		{ended, "sessionbridge_holds 0\n"},
		{ended, "sessionbridge_waiters 0\n"},
		{ended, "sessionbridge_sessions 1\n"},
		{ended, "sessionbridge_steals_total 0\n"},
		{ended, "sessionbridge_sessions_expired_total 0\n"},
		{ended, "sessionbridge_store_bytes "},
		{ended, `sessionbridge_exchanges_total{client="default",kind="get",outcome="committed"} 1`},
		{ended, `sessionbridge_exchanges_total{client="default",kind="put",outcome="committed"} 1`},
		{ended, `sessionbridge_exchanges_total{client="none",kind="other",outcome="unauthorized"} 1`},
		{ended, `sessionbridge_exchange_duration_seconds_count{kind="read"} 1`},
		{ended, "sessionbridge_wrong_path_total 1\n"},
		{ended, "sessionbridge_lock_wait_seconds_count 1\n"},
		{ended, `sessionbridge_build_info{goversion="` + runtime.Version() + `"`},
		{ended, "go_goroutines "},
	} {
		if !strings.Contains(want.in, want.series) {
			t.Errorf("no %s in the metrics:\n%s", want.series, grep(want.in, "^sessionbridge_"))
		}
	}
}

// grep returns the lines of a text that begin as a pattern ^x says.
func grep(text, pattern string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, strings.TrimPrefix(pattern, "^")) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func TestDrain(t *testing.T) {
	d := started(t, config(t), testLog(t))
	s, rest := d.hold(t)
	d.stop()
	awaitDraining(t, d)
	if got := send(t, request(t, http.MethodGet, d.URLs()[0]+path, nil), http.StatusServiceUnavailable); got.Header.Get("Retry-After") == "" {
		t.Error("the refusal has no Retry-After")
	}
	s.Items = []wire.Item{{Key: "visits", Value: []byte("1")}}
	d.put(t, s, http.StatusOK)
	if _, err := io.Copy(io.Discard, rest); err != nil {
		t.Errorf("the held GET ended with %v", err)
	}
	if err := d.wait(t); err != nil {
		t.Errorf("Wait returned %v, want nil after all sessions were committed", err)
	}
	if _, err := newClient(t).Get(d.URLs()[0]); err == nil {
		t.Error("the listener accepts connections after the end")
	}
}

func TestNothingIsRefusedUntilTheDelayIsOver(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Shutdown.Delay = duration(3 * time.Second)
	d := started(t, c, testLog(t))
	began := time.Now()
	d.stop()
	awaitDraining(t, d)
	s, _ := d.hold(t) // by a load balancer that has not looked yet
	d.put(t, s, http.StatusOK)
	if status, _ := fetch(t, d.AdminURL()+"/livez"); status != http.StatusOK {
		t.Errorf("livez is %d, want 200: it does what it should", status)
	}
	if err := d.wait(t); err != nil || time.Since(began) < 3*time.Second {
		t.Errorf("it ended with %v after %s, want nil after the delay of 3s", err, time.Since(began))
	}
}

// awaitDraining returns once the daemon says that it drains.
func awaitDraining(t *testing.T, d *running) {
	t.Helper()
	for {
		status, body := fetch(t, d.AdminURL()+"/healthz")
		if status == http.StatusServiceUnavailable && body == "draining\n" {
			return
		}
		if t.Context().Err() != nil || status != http.StatusOK {
			t.Fatalf("healthz is %d %q, want ok until it is draining", status, body)
		}
	}
}

func TestEndOfGracePeriod(t *testing.T) {
	var log bytes.Buffer
	c := config(t)
	c.Shutdown.Grace = daemon.Duration(time.Millisecond)
	d := started(t, c, slog.New(slog.NewTextHandler(&log, nil)))
	_, rest := d.hold(t)
	d.stop()
	if err := d.wait(t); err != nil {
		t.Errorf("Wait returned %v, want nil", err)
	}
	io.Copy(io.Discard, rest) // returns
	if want := "1 exchanges were broken off unfinished"; !strings.Contains(log.String(), want) {
		t.Errorf("the log does not say %q:\n%s", want, log.String())
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	at := taken.Addr().String()
	for name, set := range map[string]func(*daemon.Config){
		"listen":       func(c *daemon.Config) { c.Listen = daemon.List{"127.0.0.1:0", at} },
		"admin.listen": func(c *daemon.Config) { c.Admin.Listen = at },
	} {
		t.Run(name, func(t *testing.T) {
			c := config(t)
			set(&c)
			if got, want := refused(t, c), name+": "+at+": "; !strings.HasPrefix(got, want) {
				t.Errorf("the error is %s, want %s…", got, want)
			}
		})
	}
}

func TestNoAdminListener(t *testing.T) {
	c := config(t)
	c.Admin.Listen = "off"
	if url := started(t, c, testLog(t)).AdminURL(); url != "" {
		t.Errorf("the admin listener is at %s, want none", url)
	}
}

// TestLogOfTheStart: an operator sees who may do what, and no key.
func TestLogOfTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "reports.key")
	if err := os.WriteFile(file, []byte(strings.Repeat("ab12", 8)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o644); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := config(t)
	c.Session.LockWait = duration(2 * time.Minute)
	c.Clients = []daemon.Client{
		{Name: "shop", Key: daemon.List{secondKey}, Keys: []string{"user", "cart*"}},
		{Name: "reports", KeyFile: file, Unknown: "replace"},
	}
	d := started(t, c, slog.New(slog.NewTextHandler(&log, nil)))
	d.stop()
	if err := d.wait(t); err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		`client=shop api_keys=1 scope="user, cart*" unknown=preserve`,
		`client=reports api_keys=1 scope="all keys" unknown=replace`,
		`client=default api_keys=1 scope="all keys" unknown=preserve`,
		"sessions are kept in memory: they are lost when this program ends",
		`a key of client \"reports\" looks easy to guess`,
		"session.lock_wait is 2m, but Microsoft's client gives up after 1m40s",
		"level=INFO msg=stopped",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %s in the log", want)
		}
	}
	if exposed := strings.Contains(log.String(), "every user can read the file"); exposed == (runtime.GOOS == "windows") {
		t.Errorf("the log warns of a readable key file: %v", exposed)
	}
	if strings.Contains(log.String(), key) || strings.Contains(log.String(), secondKey) || strings.Contains(log.String(), "ab12") {
		t.Error("the log has a key in it")
	}
	if t.Failed() {
		t.Log(log.String())
	}
}

// TestKeysInClear: plain http is warned of where others can listen in.
func TestKeysInClear(t *testing.T) {
	for _, test := range []struct {
		listen string
		tls    bool
		want   bool
	}{
		{"127.0.0.1:0", false, false}, {"0.0.0.0:0", false, true}, {"0.0.0.0:0", true, false}, {"http://0.0.0.0:0", true, true},
	} {
		var log bytes.Buffer
		c := config(t)
		c.Listen = daemon.List{test.listen}
		if test.tls {
			c.TLS = daemon.WriteCertificate(t, t.TempDir(), "localhost")
		}
		d := started(t, c, slog.New(slog.NewTextHandler(&log, nil)))
		d.stop()
		if err := d.wait(t); err != nil {
			t.Error(err)
		}
		if got := strings.Contains(log.String(), "API keys and sessions travel in clear here"); got != test.want {
			t.Errorf("%+v: the log warns: %t, want %t:\n%s", test, got, test.want, log.String())
		}
	}
}
