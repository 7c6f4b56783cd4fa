// SPDX-FileCopyrightText: The Session Bridge authors
// SPDX-License-Identifier: Apache-2.0

// Package redisstore keeps items in Redis or Valkey, where several nodes share
// them without sticky routing: one server, one with replicas and sentinels, or a
// cluster. It knows nothing of HTTP, and decides nothing about who may hold what.
//
// Each change is one script, which checks the token of the hold and is sent once;
// an error that is [ErrUnknown] says that nobody knows whether it was
// made. What a failover of Redis can lose, which settings are needed and what it
// all costs is in the README beside this file.
package redisstore
