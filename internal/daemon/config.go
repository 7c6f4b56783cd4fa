// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import "github.com/alecthomas/kong"

// A Config holds every setting. A field is declared once: its yaml tag is its
// name in the file, its kong tags are its flag, its default and its help. Fields
// without a yaml tag can't stand in the file.
type Config struct {
	Listen    List   `yaml:"listen" group:"listen" default:"127.0.0.1:7100" placeholder:"ADDRESS,..." help:"Where to serve sessions: HOST:PORT, or http://HOST:PORT or https://HOST:PORT to have both kinds. Without a scheme it is https if there is a certificate. Port 0 picks a free one. Repeatable. Default: ${default}."`
	TLS       TLS    `yaml:"tls" embed:"" prefix:"tls-" group:"listen"`
	Path      string `yaml:"path" group:"listen" default:"/systemweb-adapters/session" placeholder:"${default}" help:"The one path that is served, without a slash at its end."`
	KeyHeader string `yaml:"key_header" group:"clients" default:"X-SystemWebAdapter-RemoteAppAuthentication-Key" placeholder:"HEADER" help:"Header of the API key. Default: ${default}."`
	Admin     Admin  `yaml:"admin" embed:"" prefix:"admin-" group:"listen"`

	Clients []Client `yaml:"clients" name:"client" sep:"none" group:"clients" placeholder:"MAPPING" help:"A client as it stands in the file, such as '{name: shop, key_file: shop.key, keys: [user]}'. Repeatable. Replaces the clients of the file."`
	Key     List     `yaml:"-" name:"key" env:"SESSIONBRIDGE_KEY" group:"clients" placeholder:"GUID,..." help:"API key of one more client, which is named default and sees all keys of a session. SystemWebAdapters__Remote__ApiKey does the same if no client is configured at all. Other users of this machine can see a key on the command line: use the environment or a file."`
	KeyFile string   `yaml:"-" name:"key-file" group:"clients" placeholder:"FILE" help:"The same, from a file with one key a line; all are valid."`

	Cookie  Cookie  `yaml:"cookie" embed:"" prefix:"cookie-" group:"cookie"`
	Session Session `yaml:"session" embed:"" group:"session"`
	Limits  Limits  `yaml:"limits" embed:"" prefix:"limit-" group:"store"`

	Store    string   `yaml:"store" group:"store" default:"file" placeholder:"${default}" help:"Where sessions are kept: file, on the disk of this machine; redis, which several nodes can share; or memory, they are lost when the program ends."`
	File     File     `yaml:"file" embed:"" prefix:"file-" group:"store"`
	Memory   Memory   `yaml:"memory" embed:"" prefix:"memory-" group:"store"`
	Redis    Redis    `yaml:"redis" embed:"" prefix:"redis-" group:"store"`
	Shutdown Shutdown `yaml:"shutdown" embed:"" group:"running"`
	Log      Log      `yaml:"log" embed:"" prefix:"log-" group:"running"`
}

// TLS names the certificate.
type TLS struct {
	Cert string `yaml:"cert" placeholder:"FILE" help:"PEM file with the certificate and its chain. Read again when it changes, without a signal."`
	Key  string `yaml:"key" placeholder:"FILE" help:"PEM file with its private key."`
}

// Admin is about the listener for health and metrics.
type Admin struct {
	Listen string `yaml:"listen" placeholder:"ADDRESS" help:"Where to serve /healthz (send sessions here?), /livez (start it anew?) and /metrics, as plain http: HOST:PORT, or off. Default: 127.0.0.1:7101, or a free port if that is taken."`
}

// A Client is a program that may use the sessions.
type Client struct {
	Name    string   `yaml:"name"`
	Key     List     `yaml:"key"`      // API keys, all valid
	KeyFile string   `yaml:"key_file"` // file with one API key a line
	KeyEnv  string   `yaml:"key_env"`  // environment variable with API keys, separated by commas
	Keys    []string `yaml:"keys"`     // its scope: patterns of session keys
	Unknown string   `yaml:"unknown"`  // preserve or replace

	fault error // why the text of a flag is no client
}

// Cookie is about the cookie that carries the session id.
type Cookie struct {
	Name     string   `yaml:"name" default:"ASP.NET_SessionId" placeholder:"${default}" help:"Name of the cookie."`
	Path     string   `yaml:"path" default:"/" placeholder:"${default}" help:"Its path."`
	Domain   string   `yaml:"domain" placeholder:"DOMAIN" help:"Its domain. Default: none, the host that sets it."`
	Secure   bool     `yaml:"secure" negatable:"" help:"Browsers send it over https only."`
	SameSite SameSite `yaml:"same_site" default:"lax" help:"lax, strict, or none, which needs secure."`
}

// Session is about how long a session lives and who waits for whom.
type Session struct {
	Timeout         Duration `yaml:"timeout" name:"session-timeout" default:"20m" help:"Idle time after which a new session expires, in whole minutes."`
	ReadWait        Duration `yaml:"read_wait" default:"250ms" help:"How long a reader gives a writer in progress to commit; 0 for not at all."`
	LockWait        Duration `yaml:"lock_wait" default:"60s" help:"How long a writer waits for its turn. Microsoft's client gives up after 100s."`
	MaxWaiters      int      `yaml:"max_waiters" default:"50" help:"Writers that may wait for one session."`
	MaxHolds        int      `yaml:"max_holds" default:"50000" help:"Sessions that may be held or waited for at a time."`
	DuplexHoldLimit Duration `yaml:"duplex_hold_limit" default:"10s" help:"How long a writer on one connection (POST) keeps a session that another one waits for."`
	GetHoldLimit    Duration `yaml:"get_hold_limit" default:"50s" help:"The same for a writer on two connections (GET and PUT)."`
	LateCommits     string   `yaml:"late_commits" default:"merge" placeholder:"${default}" help:"What becomes of a commit that comes when another writer has taken the session over: merge, unless both changed a key; or refuse."`
	LastWins        List     `yaml:"last_wins" placeholder:"KEY,..." help:"Keys such as lastSeen or stats* that both may have changed: the later commit wins. Repeatable."`
	Heartbeat       Duration `yaml:"heartbeat" default:"15s" help:"Time between the newlines sent to a writer on two connections; 0 for none."`
	StrictIDs       bool     `yaml:"strict_ids" name:"strict-ids" negatable:"" help:"Give a new id to a browser that comes with an unknown one, instead of adopting it."`
}

// Limits bound what a client may send.
type Limits struct {
	Session Size `yaml:"session" default:"4MiB" help:"Largest session."`
	Value   Size `yaml:"value" default:"1MiB" help:"Largest value of a key."`
	Keys    int  `yaml:"keys" default:"10000" help:"Most keys of a session."`
	Key     Size `yaml:"key" default:"1KiB" help:"Longest key."`
}

// Memory bounds the store in memory.
type Memory struct {
	MaxBytes    Size `yaml:"max_bytes" default:"1GiB" help:"Memory for sessions; a commit that does not fit is refused."`
	MaxSessions int  `yaml:"max_sessions" default:"1000000" help:"Number of sessions; one more is refused."`
}

// File is about the store on disk.
type File struct {
	Dir       string   `yaml:"dir" placeholder:"DIR" help:"Directory of the sessions, on a local disk; it is made if it is not there. Default: sessions in $STATE_DIRECTORY, which systemd sets, else sessionbridge/sessions in $XDG_STATE_HOME or ~/.local/state, or in %LocalAppData% on Windows."`
	Sync      string   `yaml:"sync" default:"always" placeholder:"${default}" help:"When a commit is acknowledged: always, when it is on the disk; interval, at once: a crash of the machine takes back what came since the last interval."`
	SyncEvery Duration `yaml:"sync_every" default:"1s" help:"The interval, with sync: interval."`
	MaxBytes  Size     `yaml:"max_bytes" default:"0" help:"Disk for sessions; a commit that does not fit is refused. 0: as much as there is."`
}

// Redis says where Redis or Valkey is.
type Redis struct {
	URL           string `yaml:"url" name:"url" placeholder:"URL" help:"redis://USER:PASSWORD@HOST:PORT/DB, or rediss:// for TLS; more addresses of a cluster follow as ?addr=HOST:PORT&addr=HOST:PORT. Other users of this machine can see a password on the command line: use the environment or a file."`
	URLFile       string `yaml:"url_file" name:"url-file" placeholder:"FILE" help:"The same, from a file with this one line."`
	Prefix        string `yaml:"prefix" default:"session" placeholder:"${default}" help:"What all keys in Redis begin with, in braces. Nodes with the same prefix share their sessions."`
	CA            string `yaml:"ca" name:"ca" placeholder:"FILE" help:"PEM file with the authorities of its certificate. Default: those of the system."`
	AllowEviction bool   `yaml:"allow_eviction" negatable:"" help:"Start also if Redis may throw sessions away to make room."`
}

// Shutdown is about SIGTERM.
type Shutdown struct {
	Delay Duration `yaml:"delay" name:"shutdown-delay" default:"0s" help:"On SIGTERM: how long to serve as before, while health says draining, so that a load balancer can turn away first. A little more than it takes to notice."`
	Grace Duration `yaml:"grace" default:"30s" help:"After that: how long sessions that are held may still be committed."`
}

// Log is about the log, which goes to standard error.
type Log struct {
	Level  Level  `yaml:"level" default:"info" help:"debug, info, warn or error."`
	Format string `yaml:"format" default:"text" placeholder:"${default}" help:"text or json."`
}

// Groups are the headings under which help lists the flags.
func Groups() kong.Option {
	return kong.ExplicitGroups([]kong.Group{
		{Key: "listen", Title: "Listeners (in the file: listen, path, tls, admin):"},
		{Key: "clients", Title: "Clients and their API keys (in the file: clients, key_header):"},
		{Key: "cookie", Title: "The session cookie (in the file: cookie):"},
		{Key: "session", Title: "Sessions (in the file: session):"},
		{Key: "store", Title: "The store and its limits (in the file: store, file, redis, memory, limits):"},
		{Key: "running", Title: "Shutdown and log (in the file: shutdown, log):"},
	})
}

// DefaultConfig returns the settings that nobody has changed. They lack a
// client.
func DefaultConfig() (Config, error) {
	var c Config
	err := kong.ApplyDefaults(&c, Groups(), kong.NoDefaultHelp())
	return c, err
}
