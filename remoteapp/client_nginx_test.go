// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/sessionbridge/session"
	"github.com/sessionbridge/session/remoteapp"
)

// A proxy that reads a whole request before it forwards it, as nginx does unless
// it is told otherwise, never forwards a POST whose body stays open.
func TestLiveProxyThatBuffersRequests(t *testing.T) {
	l := startLegacy(t)
	l.set(testID, "visits", "1")
	for _, tt := range []struct {
		name, http2 string
		took        time.Duration
	}{
		{"HTTP/2", "http2", 10 * time.Second},
		{"HTTP/1.1", "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := l.client(remoteapp.ClientOptions{RemoteAppURL: startNginx(t, tt.http2, l.URL)})
			start := time.Now()
			must(t, increment(t, c))
			if took := time.Since(start); took < tt.took || took > tt.took+5*time.Second || c.Mode() != remoteapp.Double {
				t.Errorf("the first page took %s, mode %s; want %s and double", took, c.Mode(), tt.took)
			}
			start = time.Now()
			for range 10 {
				must(t, increment(t, c))
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("ten more pages took %s", took)
			}
		})
	}
	if got := l.get(testID, "visits"); got != "23" {
		t.Errorf("visits %s, want 23", got)
	}
}

func increment(t *testing.T, c *remoteapp.Client) error {
	t.Helper()
	o := open(t, c, testID, session.Writable)
	n, err := visits.Get(o.Session())
	must(t, err)
	must(t, visits.Set(o.Session(), n+1))
	return o.Commit(t.Context())
}

// nginxConfig buffers requests, but answers only as they come: a held GET would
// else not get through either.
const nginxConfig = `
daemon off;
worker_processes 1;
pid %[1]s/pid;
error_log stderr warn;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	server {
		listen 127.0.0.1:%[2]d ssl %[3]s;
		ssl_certificate %[1]s/cert.pem;
		ssl_certificate_key %[1]s/key.pem;
		location / {
			proxy_pass %[4]s;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_buffering off;
		}
	}
}
`

// startNginx runs an nginx that forwards to a URL, and returns its own.
func startNginx(t *testing.T, http2, to string) string {
	t.Helper()
	dir, port := t.TempDir(), freePort(t)
	writeCertificate(t, dir)
	config := fmt.Sprintf(nginxConfig, dir, port, http2, to)
	must(t, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600))
	cmd := exec.Command(findNginx(t), "-p", dir, "-c", "nginx.conf")
	var said logged
	cmd.Stderr = &said
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt) // a fast shutdown
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("nginx said:\n%s", &said)
		}
	})
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			return fmt.Sprintf("https://127.0.0.1:%d", port)
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx ended: %v\n%s", err, &said)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not listen: %v\n%s", err, &said)
		}
	}
}

// findNginx returns the path of Debian's nginx, which may not be on the PATH of
// a user.
func findNginx(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const missing = "nginx is missing: apt-get install nginx"
	if os.Getenv("CI") == "true" {
		t.Fatalf("NO PROXY: %s (a skip is not allowed where CI=true)", missing)
	}
	t.Skipf("NOT TESTED BEHIND A PROXY: %s", missing)
	return ""
}

// freePort returns a port that nobody listens on: nginx can't pick one itself.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func writeCertificate(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: private}} {
		must(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
}
