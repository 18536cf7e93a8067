package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// Start is how the program begins: `luvat demo` in a process of its own.
type Start struct {
	Size  float64 `json:"program_mb"`
	First float64 `json:"first_start_ms"` // new data: schema, content, the demo's stories
	Next  float64 `json:"start_ms"`       // the data is there; until /readyz says so
	Idle  Memory  `json:"idle"`           // three seconds after that
}

func measureStart(ctx context.Context, program, data string) (*Start, error) {
	info, err := os.Stat(program)
	if err != nil {
		return nil, err
	}
	s := &Start{Size: float64(info.Size()) / 1e6}
	if s.First, _, err = startOnce(ctx, program, data, 0); err != nil {
		return nil, err
	}
	s.Next, s.Idle, err = startOnce(ctx, program, data, 3*time.Second)
	return s, err
}

// startOnce starts the demo, waits until it is ready, lets it idle and stops it.
func startOnce(ctx context.Context, program, data string, idle time.Duration) (ms float64, m Memory, err error) {
	addr, err := freeAddress(ctx)
	if err != nil {
		return 0, m, err
	}
	cmd := exec.CommandContext(ctx, program, "demo", "--data", data, "--listen", addr)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, m, err
	}
	defer func() {
		stop := cmd.Process.Signal(syscall.SIGTERM)
		if wait := cmd.Wait(); stop != nil && err == nil {
			err = errors.Join(stop, wait)
		}
	}()
	if err := ready(ctx, addr, time.Minute); err != nil {
		return 0, m, err
	}
	ms = float64(time.Since(began).Microseconds()) / 1000
	if idle > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(idle):
		}
		m = memoryOf(strconv.Itoa(cmd.Process.Pid))
	}
	return ms, m, nil
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func ready(ctx context.Context, addr string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the program was not ready in %s", patience)
		case <-time.After(2 * time.Millisecond):
		}
	}
}
