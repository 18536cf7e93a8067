package app

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"luvat/internal/db"
	"luvat/internal/outbox"
	"luvat/internal/web"
	"luvat/internal/web/public"
)

// outside is what the web door shows of what lies beside it.
func (h *Hub) outside() web.Outside {
	return web.Outside{Mails: h.mails, Ready: h.ready, Metrics: h.metrics()}
}

func (h *Hub) mails(ctx context.Context) ([]public.Mail, error) {
	list, err := h.demoMails(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]public.Mail, len(list))
	for i, m := range list {
		all[i] = public.Mail{ID: m.Key, At: m.At, To: m.To, Subject: m.Subject, Body: m.Body}
	}
	return all, nil
}

// ready tells whether the hub can do its work: its database answers.
func (h *Hub) ready(ctx context.Context) error {
	err := h.DB.Ping(ctx)
	if err != nil {
		h.log.ErrorContext(ctx, "not ready", "err", err)
	}
	return err
}

// metrics are numbers without people: how the process is and what waits.
func (h *Hub) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	jobs := func(pick func(waiting, dead int64) int64) func() float64 {
		return func() float64 {
			ctx := context.Background()
			var waiting, dead int64
			err := h.DB.View(ctx, func(tx *db.Tx) (err error) { waiting, dead, err = outbox.Counts(ctx, tx); return err })
			if err != nil {
				return -1
			}
			return float64(pick(waiting, dead))
		}
	}
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "luvat_outbox_waiting", Help: "Jobs that wait."}, jobs(func(w, _ int64) int64 { return w })),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "luvat_outbox_dead", Help: "Jobs that were given up and wait for people."}, jobs(func(_, d int64) int64 { return d })))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}
