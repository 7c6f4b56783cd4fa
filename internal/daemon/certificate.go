// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"cmp"
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"
)

// checkEvery is how often the files of a certificate are looked at, at most.
const checkEvery = time.Second

// A certificate is read again when its files change. A pair that is no good is
// logged, and the last good one stays.
type certificate struct {
	certFile, keyFile string
	every             time.Duration
	log               *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	seen   [2]stamp  // of the files as they were last read
	looked time.Time // when the files were last looked at
}

// A stamp changes when a file does.
type stamp struct {
	at   time.Time
	size int64
}

func loadCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, every: checkEvery, log: log, looked: time.Now()}
	seen, err := c.stamps()
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	c.pair, c.seen = &pair, seen
	return c, nil
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
	}
	return c.pair, nil
}

// reload reads the files if they have changed. c.mu is held: handshakes wait
// for it, but that is two small files now and then.
func (c *certificate) reload() {
	seen, err := c.stamps()
	if seen == c.seen {
		return
	}
	c.seen = seen // a bad pair is told once
	pair := tls.Certificate{}
	if err == nil {
		pair, err = tls.LoadX509KeyPair(c.certFile, c.keyFile)
	}
	if err != nil {
		c.log.Error("the new certificate can't be used, the old one stays", "cert", c.certFile, "key", c.keyFile, "err", err)
		return
	}
	c.pair = &pair
	c.log.Info("a new certificate is in use", "cert", c.certFile, "expires", pair.Leaf.NotAfter)
}

// stamps returns the stamps of both files; that of a missing one is zero.
func (c *certificate) stamps() (s [2]stamp, err error) {
	var errs [2]error
	for i, name := range []string{c.certFile, c.keyFile} {
		var info os.FileInfo
		if info, errs[i] = os.Stat(name); errs[i] == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s, cmp.Or(errs[0], errs[1])
}
