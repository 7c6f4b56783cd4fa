// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package remoteapp

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sessionbridge/session/wire"
)

// ClientOptions say whose sessions a [Client] opens, and how. RemoteAppURL and
// APIKey are required; any other field that is zero means its default. Where the
// concept is that of Microsoft's client, so is the name.
type ClientOptions struct {
	RemoteAppURL        string // of the application that owns the sessions, with its virtual directory if it has one
	APIKey              string // a GUID, the same on both ends
	APIKeyHeader        string // "" means Microsoft's
	SessionEndpointPath string // below RemoteAppURL; "" means DefaultPath
	CookieName          string // "" means ASP.NET_SessionId

	// Mode says over how many connections sessions are written; "" means Auto.
	Mode ClientMode

	// H2C uses HTTP/2 without TLS, by prior knowledge, so that one connection
	// does on an http URL too. Only for a network that can be trusted.
	H2C bool

	// OpenTimeout bounds how long Open may take, most of which is the wait for
	// another writer; 0 means 100 s. CommitTimeout bounds a commit; 0 means 60 s.
	OpenTimeout   time.Duration
	CommitTimeout time.Duration

	// OnUnknown says what a commit does that would lose keys whose values the
	// owner could not write; "" means WarnUnknown.
	OnUnknown OnUnknown

	// Transport sends the requests. nil means one like [http.DefaultTransport],
	// with its proxies from the environment. Of an [*http.Transport] copies are
	// used, with what sessions need set: no compression, no limit of connections
	// or of the time until an answer, many idle connections, and HTTP/1.1 for
	// GET and PUT but HTTP/2 for POST. Any other sends all requests as it is. It
	// must not follow redirects, and must send the body of a POST while it reads
	// the answer.
	Transport http.RoundTripper

	// Limits are those of the sessions that are sent to the owner. What it sends
	// may have six times as many bytes, as .NET writes a character in up to six.
	Limits wire.Limits
	Logger *slog.Logger // nil means slog.Default()
}

// OnUnknown says what a commit does when the owner has listed keys whose values
// it could not write: the original forgets them when it takes an update.
type OnUnknown string

// What a commit may do with keys that the owner could not write.
const (
	WarnUnknown OnUnknown = "warn" // commit, and say so in the log, once a key
	FailUnknown OnUnknown = "fail" // release the session unchanged: ErrUnknownKeys
)

// The names of the environment variables of .NET's configuration.
const (
	envRemote  = "SystemWebAdapters__Remote__"
	envSession = envRemote + "Session__"
)

// ClientOptionsFromEnv returns the options that the environment has, in the
// names that Microsoft's client is configured by; getenv is usually [os.Getenv]:
//
//	SystemWebAdapters__Remote__RemoteAppUrl
//	SystemWebAdapters__Remote__ApiKey
//	SystemWebAdapters__Remote__ApiKeyHeader
//	SystemWebAdapters__Remote__Session__SessionEndpointPath
//	SystemWebAdapters__Remote__Session__CookieName
//	SystemWebAdapters__Remote__Session__UseSingleConnection   (false: Double)
//
// The last three may also stand directly below Remote.
func ClientOptionsFromEnv(getenv func(string) string) ClientOptions {
	ofSession := func(name string) string { return cmp.Or(getenv(envSession+name), getenv(envRemote+name)) }
	return ClientOptions{
		RemoteAppURL:        getenv(envRemote + "RemoteAppUrl"),
		APIKey:              getenv(envRemote + "ApiKey"),
		APIKeyHeader:        getenv(envRemote + "ApiKeyHeader"),
		SessionEndpointPath: ofSession("SessionEndpointPath"),
		CookieName:          ofSession("CookieName"),
		Mode:                modeOf(ofSession("UseSingleConnection")),
	}
}

// modeOf reads a bool as .NET does. What is none is left for Check to
// complain of.
func modeOf(useSingle string) ClientMode {
	switch text := strings.ToLower(strings.TrimSpace(useSingle)); text {
	case "", "true":
		return Auto
	case "false":
		return Double
	default:
		return ClientMode("UseSingleConnection=" + text)
	}
}

// Check returns all that is wrong with the options, or nil.
func (o ClientOptions) Check() error {
	u, err := o.endpoint()
	errs := []error{err}
	if o.APIKey == "" {
		errs = append(errs, errors.New("APIKey is missing: the owner lets nobody in without one"))
	} else if err := CheckKey(o.APIKey); err != nil {
		errs = append(errs, err)
	}
	if !isToken(cmp.Or(o.APIKeyHeader, defaultKeyHeader)) {
		errs = append(errs, fmt.Errorf("APIKeyHeader %q is no name of a header", o.APIKeyHeader))
	}
	if !isToken(cmp.Or(o.CookieName, defaultCookie)) {
		errs = append(errs, fmt.Errorf("CookieName %q has characters that no cookie name may have", o.CookieName))
	}
	errs = append(errs, o.Mode.check(u, o.H2C), o.OnUnknown.check())
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"OpenTimeout", o.OpenTimeout}, {"CommitTimeout", o.CommitTimeout}} {
		if d.value < 0 {
			errs = append(errs, fmt.Errorf("%s is %s, want 0 or more", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}

func (o OnUnknown) check() error {
	switch o {
	case "", WarnUnknown, FailUnknown:
		return nil
	}
	return fmt.Errorf("OnUnknown is %q, want %q or %q", string(o), WarnUnknown, FailUnknown)
}

// endpoint returns the URL of all exchanges.
func (o ClientOptions) endpoint() (*url.URL, error) {
	if o.RemoteAppURL == "" {
		return nil, errors.New("option RemoteAppURL is missing: nobody is known to own the sessions")
	}
	u, err := url.Parse(o.RemoteAppURL)
	switch {
	case err != nil:
		return nil, errors.New("option RemoteAppURL is no URL") // the cause would quote it, with a password maybe
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("RemoteAppURL %q is no http or https URL with a host", u.Redacted())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("RemoteAppURL %q has more than scheme, host and path", u.Redacted())
	}
	path := cmp.Or(o.SessionEndpointPath, DefaultPath)
	if strings.ContainsAny(path, "?#") || !isPrintable(path) {
		return nil, fmt.Errorf("SessionEndpointPath %q is no path", path)
	}
	u.Path = cmp.Or(u.Path, "/") // JoinPath would leave the path relative
	return u.JoinPath(path), nil
}

// isToken reports whether s may be the name of a header or a cookie.
func isToken(s string) bool {
	return s != "" && isPrintable(s) && !strings.ContainsAny(s, " \"(),/:;<=>?@[\\]{}")
}

// withDefaults returns the options with every zero field filled in.
func (o ClientOptions) withDefaults() ClientOptions {
	o.APIKeyHeader = cmp.Or(o.APIKeyHeader, defaultKeyHeader)
	o.CookieName = cmp.Or(o.CookieName, defaultCookie)
	o.Mode = cmp.Or(o.Mode, Auto)
	o.OpenTimeout = cmp.Or(o.OpenTimeout, 100*time.Second)
	o.CommitTimeout = cmp.Or(o.CommitTimeout, 60*time.Second)
	o.OnUnknown = cmp.Or(o.OnUnknown, WarnUnknown)
	o.Limits = o.Limits.WithDefaults()
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// readLimits are the limits of what the owner sends: whatever was committed can
// be read again, in the form in which .NET writes it.
func (o ClientOptions) readLimits() wire.Limits {
	const longest = 6 // é is \u00E9
	lim := o.Limits
	lim.Session, lim.Value = longest*lim.Session, longest*lim.Value
	return lim
}
