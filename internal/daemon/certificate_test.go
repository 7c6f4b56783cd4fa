// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// WriteCertificate writes a self-signed certificate for a name to dir.
func WriteCertificate(t *testing.T, dir, name string) TLS {
	t.Helper()
	return writeCertificate(t, dir, name, -time.Hour, time.Hour)
}

// writeCertificate writes one that is valid between two times from now.
func writeCertificate(t *testing.T, dir, name string, from, to time.Duration) TLS {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(from),
		NotAfter:     time.Now().Add(to),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	files := TLS{Cert: filepath.Join(dir, "server.pem"), Key: filepath.Join(dir, "server.key")}
	writePEM(t, files.Cert, "CERTIFICATE", cert)
	writePEM(t, files.Key, "PRIVATE KEY", pkcs8)
	return files
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// age makes a file look as if it were changed at another time, however coarse
// the clock of the file system is.
func age(t *testing.T, file string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	var log bytes.Buffer
	dir := t.TempDir()
	files := WriteCertificate(t, dir, "first")
	c, err := loadCertificate(files, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	c.every = 0
	check := func(when, want string) {
		t.Helper()
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := pair.Leaf.Subject.CommonName; got != want {
			t.Errorf("%s, the certificate is that of %s, want %s", when, got, want)
		}
	}
	check("at the start", "first")

	WriteCertificate(t, dir, "second")
	age(t, files.Cert, time.Hour)
	check("after both files changed", "second")

	if err := os.WriteFile(files.Cert, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("with a bad file", "second")
	check("with a bad file, asked again", "second")
	if got := strings.Count(log.String(), "level=ERROR"); got != 1 {
		t.Errorf("the log complains %d times of the bad file, want once:\n%s", got, log.String())
	}

	if err := os.Remove(files.Key); err != nil {
		t.Fatal(err)
	}
	check("without a key file", "second")

	WriteCertificate(t, dir, "third")
	age(t, files.Cert, 2*time.Hour)
	check("after both files are good again", "third")
}

func TestCertificateIsNotLookedAtAllTheTime(t *testing.T) {
	dir := t.TempDir()
	files := WriteCertificate(t, dir, "first")
	c, err := loadCertificate(files, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	c.every = time.Hour
	WriteCertificate(t, dir, "second")
	age(t, files.Cert, time.Hour)
	pair, err := c.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := pair.Leaf.Subject.CommonName; got != "first" {
		t.Errorf("the certificate is that of %s, want first", got)
	}
}

// TestCertificateThatIsNotValidIsNotTaken: the old one serves as long as it can.
func TestCertificateThatIsNotValidIsNotTaken(t *testing.T) {
	const hour = time.Hour
	for name, test := range map[string]struct {
		old, next [2]time.Duration
		want, log string
	}{
		"expired":                    {[2]time.Duration{-hour, hour}, [2]time.Duration{-2 * hour, -hour}, "old", "level=ERROR msg=\"the new certificate is not used, the old one stays while it is valid: it expired at "},
		"not valid yet":              {[2]time.Duration{-hour, hour}, [2]time.Duration{hour, 2 * hour}, "old", "level=ERROR msg=\"the new certificate is not used, the old one stays while it is valid: it is not valid before "},
		"expired, as the old one is": {[2]time.Duration{-2 * hour, -hour}, [2]time.Duration{-2 * hour, -hour}, "new", "level=WARN msg=\"clients will not accept the certificate: it expired at "},
		"valid":                      {[2]time.Duration{-2 * hour, -hour}, [2]time.Duration{-hour, hour}, "new", "level=INFO msg=\"a new certificate is in use\""},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			dir := t.TempDir()
			files := writeCertificate(t, dir, "old", test.old[0], test.old[1])
			c, err := loadCertificate(files, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			c.every = 0
			writeCertificate(t, dir, "new", test.next[0], test.next[1])
			age(t, files.Cert, time.Hour)
			for range 2 {
				pair, err := c.get(nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := pair.Leaf.Subject.CommonName; got != test.want {
					t.Errorf("the %s certificate is in use, want the %s one", got, test.want)
				}
			}
			if got := strings.Count(log.String(), test.log); got != 1 {
				t.Errorf("%s stands %d times in the log, want once:\n%s", test.log, got, log.String())
			}
		})
	}
}

// TestCertificateIsTakenWhenItsTimeComes: nobody writes the file again for that.
func TestCertificateIsTakenWhenItsTimeComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		files := WriteCertificate(t, dir, "old")
		c, err := loadCertificate(files, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		writeCertificate(t, dir, "new", time.Minute, 24*time.Hour)
		age(t, files.Cert, time.Hour)
		for _, want := range []string{"old", "new"} {
			time.Sleep(31 * time.Second)
			pair, err := c.get(nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := pair.Leaf.Subject.CommonName; got != want {
				t.Errorf("the %s certificate is in use, want the %s one", got, want)
			}
		}
		if got, want := c.expiry(), time.Now().Add(24*time.Hour-62*time.Second); !got.Equal(want) {
			t.Errorf("it expires at %s, want %s", got, want)
		}
	})
}

// TestStartTellsUntilWhenTheCertificateIsValid: an expired one may still be what
// the operator wants.
func TestStartTellsUntilWhenTheCertificateIsValid(t *testing.T) {
	for name, test := range map[string]struct {
		from, to time.Duration
		warning  string
	}{
		"valid":         {-time.Hour, time.Hour, ""},
		"expired":       {-2 * time.Hour, -time.Hour, "clients will not accept the certificate: it expired at "},
		"not valid yet": {time.Hour, 2 * time.Hour, "clients will not accept the certificate: it is not valid before "},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			c, err := DefaultConfig()
			if err != nil {
				t.Fatal(err)
			}
			c.Listen, c.Admin.Listen = List{"127.0.0.1:0"}, "127.0.0.1:0"
			c.Key = List{"5b3a9c1e-7d24-4f60-8a19-c2d3e4f5a6b7"}
			c.TLS = writeCertificate(t, t.TempDir(), "localhost", test.from, test.to)
			d, err := Start(t.Context(), c, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.Get(d.AdminURL() + "/metrics")
			if err != nil {
				t.Fatal(err)
			}
			metrics, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			if err := d.Stop(); err != nil {
				t.Error(err)
			}
			if want := "level=INFO msg=certificate cert=" + c.TLS.Cert + " expires="; !strings.Contains(log.String(), want) {
				t.Errorf("no %s in the log:\n%s", want, log.String())
			}
			if warns := strings.Contains(log.String(), "level=WARN"); warns != (test.warning != "") || !strings.Contains(log.String(), test.warning) {
				t.Errorf("the log does not warn of %q:\n%s", test.warning, log.String())
			}
			if want := "\nsessionbridge_certificate_expiry_timestamp_seconds "; !strings.Contains(string(metrics), want) {
				t.Errorf("no %s in the metrics", want)
			}
		})
	}
}

// TestFaultOfACertificateNamesItsFile and its setting.
func TestFaultOfACertificateNamesItsFile(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	good, foreign := WriteCertificate(t, dir, "good"), WriteCertificate(t, other, "foreign")
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	rubbish := file("rubbish", "rubbish")
	broken := file("broken", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	brokenKey := file("broken.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	for name, test := range map[string]struct {
		files TLS
		want  string
	}{
		"good":                           {good, ""},
		"no certificate":                 {TLS{rubbish, good.Key}, "tls.cert: " + rubbish + ": it has no certificate in PEM"},
		"the key as certificate":         {TLS{good.Key, good.Key}, "tls.cert: " + good.Key + ": it has no certificate in PEM"},
		"a broken certificate":           {TLS{broken, good.Key}, "tls.cert: " + broken + ": malformed certificate"},
		"no key":                         {TLS{good.Cert, rubbish}, "tls.key: " + rubbish + ": failed to find any PEM data in key input"},
		"the certificate as key":         {TLS{good.Cert, good.Cert}, "tls.key: " + good.Cert + ": found a certificate rather than a key in the PEM for the private key"},
		"a broken key":                   {TLS{good.Cert, brokenKey}, "tls.key: " + brokenKey + ": failed to parse private key"},
		"the key of another certificate": {TLS{good.Cert, foreign.Key}, "tls.key: " + foreign.Key + " is the private key of another certificate than " + good.Cert},
		"a directory":                    {TLS{dir, good.Key}, "tls.cert: " + dir + ": "},
	} {
		_, err := test.files.load()
		if (err == nil) != (test.want == "") || err != nil && (!strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for ip, want := range map[string]bool{"127.0.0.1": true, "127.1.2.3": true, "::1": true, "0.0.0.0": false, "::": false, "10.0.0.1": false} {
		if got := isLoopback(&net.TCPAddr{IP: net.ParseIP(ip)}); got != want {
			t.Errorf("%s is loopback: %t, want %t", ip, got, want)
		}
	}
}
