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
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// WriteCertificate writes a self-signed certificate for a name to dir.
func WriteCertificate(t *testing.T, dir, name string) TLS {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
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
	c, err := loadCertificate(files.Cert, files.Key, slog.New(slog.NewTextHandler(&log, nil)))
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
	c, err := loadCertificate(files.Cert, files.Key, slog.New(slog.DiscardHandler))
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
