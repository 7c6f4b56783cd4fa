// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// checkEvery is how often the files of a certificate are looked at, at most.
const checkEvery = time.Second

// A certificate is read again when its files change. A pair that is no good is
// logged, and the last good one stays.
type certificate struct {
	files TLS
	every time.Duration
	log   *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	next   *tls.Certificate // read, but not in use: it is not valid yet, or no more; nil if there is none
	seen   [2]stamp         // of the files as they were last read
	looked time.Time        // when the files were last looked at
}

// A stamp changes when a file does.
type stamp struct {
	at   time.Time
	size int64
}

// certificate loads the certificate, if there is one.
func (t TLS) certificate(log *slog.Logger, say *complaints) *certificate {
	switch {
	case t.Cert == "" && t.Key == "":
		return nil
	case t.Cert == "":
		say.add("tls.cert is missing: tls.key needs its certificate")
		return nil
	case t.Key == "":
		say.add("tls.key is missing: tls.cert needs its private key")
		return nil
	}
	c, err := loadCertificate(t, log)
	if err != nil {
		say.join(err)
		return nil
	}
	return c
}

func loadCertificate(files TLS, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, every: checkEvery, log: log, looked: time.Now()}
	seen := c.stamps()
	pair, err := files.load()
	if err != nil {
		return nil, err
	}
	c.pair, c.seen = pair, seen
	return c, nil
}

// load reads both files. The error names the one that is at fault, by its
// setting.
func (t TLS) load() (*tls.Certificate, error) {
	cert, errCert := readFile("tls.cert", t.Cert)
	key, errKey := readFile("tls.key", t.Key)
	if err := errors.Join(errCert, errKey); err != nil {
		return nil, err
	}
	if err := checkChain(cert); err != nil {
		return nil, fmt.Errorf("tls.cert: %s: %w", t.Cert, err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	switch {
	case err == nil:
		return &pair, nil
	case strings.Contains(err.Error(), "does not match"):
		return nil, fmt.Errorf("tls.key: %s is the private key of another certificate than %s", t.Key, t.Cert)
	default:
		return nil, fmt.Errorf("tls.key: %s: %s", t.Key, strings.TrimPrefix(err.Error(), "tls: "))
	}
}

// readFile reads the file of a setting.
func readFile(setting, name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("%s: %s: %w", setting, name, err)
	}
	return b, nil
}

// checkChain checks that there are certificates, in PEM. What crypto/tls says
// of a pair does not always tell in which file it is wrong.
func checkChain(text []byte) error {
	found := false
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return errors.New(strings.TrimPrefix(err.Error(), "x509: "))
		}
		found = true
	}
	if !found {
		return errors.New("it has no certificate in PEM")
	}
	return nil
}

// isValid reports whether clients accept the pair now, as far as time goes.
func isValid(pair *tls.Certificate, now time.Time) bool {
	return !now.Before(pair.Leaf.NotBefore) && !now.After(pair.Leaf.NotAfter)
}

// untimely tells why the certificate is not valid now, or "".
func untimely(pair *tls.Certificate, now time.Time) string {
	switch {
	case now.Before(pair.Leaf.NotBefore):
		return "it is not valid before " + pair.Leaf.NotBefore.Format(time.RFC3339)
	case now.After(pair.Leaf.NotAfter):
		return "it expired at " + pair.Leaf.NotAfter.Format(time.RFC3339)
	}
	return ""
}

// expiry returns when the certificate that is in use expires.
func (c *certificate) expiry() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair.Leaf.NotAfter
}

// note logs until when the certificate is valid. An operator may want to start
// with one that is not: some clients do not look.
func (c *certificate) note() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log.Info("certificate", "cert", c.files.Cert, "expires", c.pair.Leaf.NotAfter)
	if fault := untimely(c.pair, time.Now()); fault != "" {
		c.log.Warn("clients will not accept the certificate: "+fault, "cert", c.files.Cert)
	}
}

// config returns the configuration of a server that has this certificate.
func (c *certificate) config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
}

// get is a tls.Config's GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := time.Now(); now.Sub(c.looked) >= c.every {
		c.looked = now
		c.reload()
		c.turn(now)
	}
	return c.pair, nil
}

// reload reads the files if they have changed. c.mu is held: handshakes wait
// for it, but that is two small files now and then.
func (c *certificate) reload() {
	seen := c.stamps()
	if seen == c.seen {
		return
	}
	c.seen = seen // a bad pair is told once
	pair, err := c.files.load()
	if err != nil {
		c.log.Error("the new certificate can't be used, the old one stays", "cert", c.files.Cert, "key", c.files.Key, "err", err)
		return
	}
	c.next = pair
	if now := time.Now(); !isValid(pair, now) && isValid(c.pair, now) {
		c.log.Error("the new certificate is not used, the old one stays while it is valid: "+untimely(pair, now),
			"cert", c.files.Cert, "expires", c.pair.Leaf.NotAfter)
	}
}

// turn begins to use the next certificate once that is no worse than the one in
// use. c.mu is held.
func (c *certificate) turn(now time.Time) {
	if c.next == nil || !isValid(c.next, now) && isValid(c.pair, now) {
		return
	}
	c.pair, c.next = c.next, nil
	c.log.Info("a new certificate is in use", "cert", c.files.Cert, "expires", c.pair.Leaf.NotAfter)
	if fault := untimely(c.pair, now); fault != "" {
		c.log.Warn("clients will not accept the certificate: "+fault, "cert", c.files.Cert)
	}
}

// stamps returns the stamps of both files; that of a missing one is zero.
func (c *certificate) stamps() (s [2]stamp) {
	for i, name := range []string{c.files.Cert, c.files.Key} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}
