package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// tune tells the runtime what it cannot know of a hub; GOMAXPROCS and GOGC, where
// they are set, go before it. What it gains: docs/benchmarks.md.
func tune() {
	if os.Getenv("GOMAXPROCS") == "" {
		// Whoever flushes a file to the disk keeps its place among those that run
		// until the runtime notices. The hub always flushes one or two: without as
		// many places more, a processor idles while requests wait.
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2)
	}
	if os.Getenv("GOGC") == "" {
		// A hub lives on some twenty megabytes, and collecting them each time that
		// as much is thrown away takes a tenth of its work.
		debug.SetGCPercent(200)
	}
}
