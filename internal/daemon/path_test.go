// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package daemon

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestWrongPathsAreLoggedNowAndThen: one that is configured is asked for with
// every page.
func TestWrongPathsAreLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		count := 0
		wrong := &wrongPaths{log: slog.New(slog.NewTextHandler(&log, nil)), served: "/session", count: func() { count++ }}
		ask := func(path, want string) {
			t.Helper()
			log.Reset()
			atPath("/session", http.NotFoundHandler(), wrong.note).
				ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path+"?secret=1", http.NoBody))
			if want == "" && log.Len() > 0 || !strings.Contains(log.String(), want) || strings.Contains(log.String(), "secret") {
				t.Errorf("%s: the log says %q, want %q", path, log.String(), want)
			}
		}
		ask("/session", "")
		ask("/session/", `level=WARN msg="nothing is served at the path that was asked for" asked=/session/ served=/session method=GET from=192.0.2.1:1234 more_before=0`)
		ask("/session/", "")
		ask("/", "")
		time.Sleep(time.Minute)
		ask("/%0a"+strings.Repeat("a", 300), `asked="/\n`+strings.Repeat("a", 198)+`…" served=/session method=GET from=192.0.2.1:1234 more_before=2`)
		ask("/", "")
		if count != 5 {
			t.Errorf("%d wrong paths were counted, want 5", count)
		}
	})
}
