package bench

import (
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// Memory is what a process holds, in megabytes; zero where the system does not
// tell. Resident is all of it; Own leaves out the pages of files that are only
// mapped and belong to the system's cache.
type Memory struct {
	Resident float64 `json:"resident_mb"`
	Own      float64 `json:"own_mb"`
	Peak     float64 `json:"peak_resident_mb"`
}

func memory() Memory { return memoryOf("self") }

func memoryOf(process string) (m Memory) {
	body, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return m
	}
	for line := range strings.Lines(string(body)) {
		name, rest, _ := strings.Cut(line, ":")
		fields := strings.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[0], 64) // other lines are not read
		switch name {
		case "VmRSS":
			m.Resident = kb / 1024
		case "RssAnon":
			m.Own = kb / 1024
		case "VmHWM":
			m.Peak = kb / 1024
		}
	}
	return m
}

// resetPeak makes the system forget the greatest size so far.
func resetPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

func profileTo(file string) (stop func(), err error) {
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

// processorTime is what the process has used so far of all processors, with
// the system's work for it; zero where the system does not tell.
func processorTime() time.Duration {
	body, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(body), ") ") // after the name, which may hold anything
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // ticks of a hundredth
}
