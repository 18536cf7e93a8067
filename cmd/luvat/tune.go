package main

import (
	"os"
	"runtime"
)

// tune tells the runtime what it cannot know of a hub; GOMAXPROCS, where it is
// set, goes before it. What it gains: docs/adr/0019.
//
// Whoever flushes a file to the disk keeps its place among those that run until
// the runtime notices. The hub always flushes one or two: without as many places
// more, a processor idles while requests wait.
func tune() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
}
