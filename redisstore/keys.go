// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

package redisstore

import (
	"fmt"
	"hash/fnv"
)

// buckets is how many hash tags the sessions are spread over. A bucket is the
// least that a cluster moves to another primary; each has an index of its own.
const buckets = 256

// A keyspace names the keys under one prefix. All of them begin with "{prefix:".
type keyspace struct {
	prefix string
}

// bucketOf is the bucket of a session id or of a client's name.
func bucketOf(name string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return int(h.Sum32() % buckets)
}

// tag is what the keys of a bucket begin with: what is in the braces decides the
// slot.
func (k keyspace) tag(bucket int) string {
	return fmt.Sprintf("{%s:%03d}", k.prefix, bucket)
}

// items is what the keys of the items of a bucket begin with.
func (k keyspace) items(bucket int) string { return k.tag(bucket) + "item:" }

// index is a sorted set: the stored ids of a bucket by when they are due, in
// microseconds.
func (k keyspace) index(bucket int) string { return k.tag(bucket) + "due" }

// token is the newest token of a bucket.
func (k keyspace) token(bucket int) string { return k.tag(bucket) + "token" }

// client is a hash of the keys that a client is known to have sent.
func (k keyspace) client(name string) string {
	return k.tag(bucketOf(name)) + "client:" + name
}

// nodes is a hash: when each node is dead.
func (k keyspace) nodes() string { return "{" + k.prefix + ":nodes}" }

// changes is the channel on which all changes are told by a server that is no
// cluster.
func (k keyspace) changes() string { return "{" + k.prefix + ":changes}" }

// changesOf is the channel of a bucket in a cluster.
func (k keyspace) changesOf(bucket int) string { return k.tag(bucket) + "changes" }
