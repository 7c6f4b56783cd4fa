// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package attack_test

import "time"

// assaults are the attacks that can be repeated at once.
func assaults() []assault {
	const soon, seldom = 20 * time.Millisecond, 400 * time.Millisecond
	return []assault{
		{"bad requests", soon, sendBadRequests},
		{"malformed requests", soon, sendMalformed},
		{"bad updates", soon, putBadly},
		{"a body of 100 MiB, PUT", seldom, sendHugeBody},
		{"a body of 100 MiB, POST", seldom, sendHugePost},
		{"connections closed at every stage", soon, cutOff},
		{"a holder and a waiter that leave", soon, holdAndLeave},
		{"POST reset at every stage", soon, resetPosts},
		{"POST that ends empty", soon, postNothing},
		{"2,000 writers of one session", seldom, crowd},
		{"rapid reset", soon, rapidReset},
		{"CONTINUATION flood", soon, floodContinuation},
		{"header bombs", seldom, bombHeaders},
		{"SETTINGS, PING and PRIORITY flood", soon, floodControl},
		{"empty DATA frames", soon, floodEmpty},
	}
}

// theSieges are the attacks that wait.
func theSieges() []siege {
	return []siege{
		{"10,000 silent connections", sitSilently},
		{"a head that comes byte by byte, HTTP/1.1", headByByte},
		{"the same over HTTP/2", headByByteHTTP2},
		{"the preface of HTTP/2 byte by byte", prefaceByByte},
		{"a body that comes byte by byte, PUT", putByByte},
		{"the same, POST", postByByte},
		{"half-open: held GET and POST", halfOpen},
		{"half-open: idle connections", halfOpenIdle},
		{"reads nothing of a large session, GET", readNothing},
		{"reads nothing of many small answers", readNoAnswers},
		{"reads nothing, HTTP/2 without a window", readNothingHTTP2},
		{"PING flood that reads nothing", pingUnread},
		{"PUT of a robbed holder", putRobbed},
	}
}
