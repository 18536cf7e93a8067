// Package web is the door for people: it puts the rooms (public, account,
// customer, officer) on one mux behind one guard.
package web

import (
	"context"
	"net/http"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"luvat/internal/dossier"
	"luvat/internal/web/account"
	"luvat/internal/web/customer"
	"luvat/internal/web/officer"
	"luvat/internal/web/public"
	"luvat/internal/web/site"
	"luvat/internal/web/static"
)

// Outside is what the pages show of things that lie beside the door.
type Outside struct {
	// Mails lists what the demo has mailed, the newest first.
	Mails func(context.Context) ([]public.Mail, error)
	// Ready tells whether the hub can do its work.
	Ready func(context.Context) error
	// Metrics answers /metrics.
	Metrics http.Handler
}

// Routes lists every page and deed: the one list.
func Routes(s *site.Site, maker *dossier.Maker, o Outside) []site.Route {
	routes := public.Routes(s, o.Mails)
	routes = append(routes, account.Routes(s)...)
	routes = append(routes, customer.Routes(s, maker)...)
	return append(routes, officer.Routes(s, maker)...)
}

// Handler returns the whole site.
func Handler(s *site.Site, maker *dossier.Maker, o Outside) http.Handler {
	pages := http.NewServeMux()
	s.Mount(pages, Routes(s, maker, o))
	pages.Handle("/", s.NotFound())

	mux := http.NewServeMux()
	mux.Handle("GET "+static.Prefix, static.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) { answer(w, o.Ready(r.Context())) })
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	mux.Handle("/", compressed(s.Guard(pages, account.FromElsewhere...)))
	return mux
}

// compressed squeezes what is text; attachments go as they are. The fastest
// level: a page of fifty rows weighs a little more than 5 kB and takes half the
// time.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(1000), gzhttp.CompressionLevel(gzip.BestSpeed), gzhttp.ContentTypes([]string{"text/html", "text/plain", "application/json"}), gzhttp.RandomJitter(32, 0, false))
	if err != nil {
		panic(err) // the options are constants
	}
	return wrap(next)
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("not ready\n")) // why is in the log
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}
