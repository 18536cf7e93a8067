package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"luvat/content"
	"luvat/internal/attach"
	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/delivery"
	"luvat/internal/demo"
	"luvat/internal/dossier"
	"luvat/internal/identity"
	"luvat/internal/identity/card"
	"luvat/internal/identity/machine"
	"luvat/internal/identity/pic"
	"luvat/internal/matter"
	"luvat/internal/outbox"
	"luvat/internal/web"
	"luvat/internal/web/site"
)

func dataFile(data, name string) string { return filepath.Join(data, name) }

// A Hub is the whole service, ready to answer.
type Hub struct {
	Config    Config
	DB        *db.DB
	Catalogue *catalogue.Catalogue
	Desk      *matter.Desk
	Files     *attach.Store
	Site      *site.Site
	Outbox    *outbox.Worker
	Handler   http.Handler

	log       *slog.Logger
	running   []runner   // connections that keep themselves up to date
	cardDoors []cardDoor // listeners at which cards are shown
	keys      *pic.Vault // nil where nobody signs in by a provider
	toldOf    string     // what of the keys was last told
}

// Options are what tests and the benchmark set; the zero value is right else.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Mailer takes the place of the configured one.
	Mailer delivery.Mailer
}

// Open puts a hub together over its database, with the content loaded. It
// answers nothing and works nothing yet: see Run.
func Open(ctx context.Context, c Config, o Options) (_ *Hub, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d, err := db.Open(ctx, c.DatabaseURL)
	if err != nil {
		return nil, err
	}
	h := &Hub{Config: c, DB: d, log: o.Log}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if _, err := catalogue.Load(ctx, d, content.FS, o.Now()); err != nil {
		return nil, err
	}
	if h.Catalogue, err = catalogue.Open(ctx, d); err != nil {
		return nil, err
	}
	if h.Files, err = attach.Open(d, c.Attachments, o.Now); err != nil {
		return nil, err
	}
	h.Files.Log = o.Log
	if c.Clamd != "" {
		h.Files.Scanner = attach.Clamd{Addr: c.Clamd}
	}
	h.Outbox = outbox.NewWorker(d, o.Now, o.Log)
	h.Desk = &matter.Desk{DB: d, Catalogue: h.Catalogue, Files: h.Files, Now: o.Now, Wake: h.Outbox.Wake}
	post := &delivery.Post{Desk: h.Desk, Mailer: o.Mailer, BaseURL: c.BaseURL, From: c.MailFrom, Log: o.Log}
	if post.Mailer == nil {
		post.Mailer = c.mailer(d, o.Now)
	}
	post.Register(h.Outbox)
	outbox.Handle(h.Outbox, h.Desk.TakeOver)
	h.Site = &site.Site{
		DB: d, Desk: h.Desk, Catalogue: h.Catalogue, Files: h.Files, Log: o.Log, Now: o.Now,
		BaseURL: c.BaseURL, Roles: &identity.Roles{DB: d, Now: o.Now, Wake: h.Outbox.Wake},
		Sessions: identity.NewSessions(d, strings.HasPrefix(c.BaseURL, "https:")), Demo: c.Demo, Login: c.Demo, Secure: strings.HasPrefix(c.BaseURL, "https:"),
	}
	if h.Site.Machines, err = machine.New(machine.Config{DB: d, TokenEndpoint: c.BaseURL + machine.TokenPath, Now: o.Now, Log: o.Log}); err != nil {
		return nil, err
	}
	if c.SignIn != nil {
		if err := h.connect(ctx, *c.SignIn); err != nil {
			return nil, err
		}
	}
	maker := &dossier.Maker{Catalogue: h.Catalogue, Files: h.Files, Now: o.Now}
	h.Handler = card.FromProxies(c.Proxies, c.showingCertificates(c.behindProxy(showingCards(web.Handler(h.Site, maker, h.outside())))))
	return h, nil
}

func (c Config) mailer(d *db.DB, now func() time.Time) delivery.Mailer {
	if c.Demo {
		return delivery.Mailbox{DB: d, Now: now}
	}
	return &delivery.SMTP{Host: c.SMTPHost, Port: c.SMTPPort, User: c.SMTPUser, Password: c.SMTPPassword, TLS: delivery.TLS(c.SMTPTLS)}
}

// Close ends the hub.
func (h *Hub) Close() error { return h.DB.Close() }

// Run answers and works until the context ends, then lets what has begun end.
// ready, when not nil, is called with the address once the hub answers.
func (h *Hub) Run(ctx context.Context, ready func(addr string)) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", h.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w (is the hub running already? choose another --listen or LUVAT_LISTEN)", err)
	}
	if err := h.beginKeys(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{
		Handler: h.Handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn), BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	var work sync.WaitGroup
	work.Go(func() { h.Outbox.Run(ctx) })
	work.Go(func() { h.housekeeping(ctx) })
	work.Go(func() { h.watchRoles(ctx) })
	h.refreshNow(ctx)
	for _, r := range h.running {
		work.Go(func() { r.Run(ctx) })
	}
	failed := make(chan error, 1+len(h.cardDoors))
	go func() { failed <- server.Serve(listener) }()
	for _, d := range h.cardDoors {
		work.Go(func() {
			if err := d.serve(ctx, h.Handler, h.log); err != nil {
				failed <- err
			}
		})
	}
	if ready != nil {
		ready(listener.Addr().String())
	}
	select {
	case err = <-failed:
		stop()
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(end))
	work.Wait()
	return err
}

// housekeeping rotates the keys at once, and then does that and sweeps what has
// had its time every ten minutes.
func (h *Hub) housekeeping(ctx context.Context) {
	if err := h.rotateKeys(ctx); err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, "housekeeping failed", "err", err)
	}
	tick := time.NewTicker(10 * time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := h.Desk.Now()
		err := h.DB.InTx(ctx, func(tx *db.Tx) error {
			return errors.Join(identity.Sweep(ctx, tx, now), machine.Sweep(ctx, tx, now), outbox.Sweep(ctx, tx, now.AddDate(0, 0, -30)),
				catalogue.SweepSurveyResults(ctx, tx, now.AddDate(-1, 0, 0)))
		})
		_, swept := h.Files.Sweep(ctx)
		err = errors.Join(err, h.Desk.Retain(ctx), swept, h.rotateKeys(ctx))
		if err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "housekeeping failed", "err", err)
		}
	}
}

// watchEach is how often the hub looks for roles whose time is over and mandates
// to ask about again.
const watchEach = time.Minute

// watchRoles ends, each minute, what should have ended with nobody there to see it.
func (h *Hub) watchRoles(ctx context.Context) {
	tick := time.NewTicker(watchEach)
	defer tick.Stop()
	for {
		if err := errors.Join(h.Site.EndDue(ctx), h.Site.AskAgain(ctx)); err != nil && ctx.Err() == nil {
			h.log.ErrorContext(ctx, "roles not watched", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// SeedDemo gives the demo its people, offers and projects, as far as they are not
// there yet.
func (h *Hub) SeedDemo(ctx context.Context) error {
	return demo.Seed(ctx, demo.Home{
		DB: h.DB, Catalogue: h.Catalogue, Files: h.Files, Folder: h.Config.Attachments, BaseURL: h.Config.BaseURL, MailFrom: h.Config.MailFrom,
		Now: h.Desk.Now, Log: h.log,
	})
}

// demoMails lists what the demo has mailed.
func (h *Hub) demoMails(ctx context.Context) (all []delivery.Mail, err error) {
	err = h.DB.View(ctx, func(tx *db.Tx) error {
		all, err = delivery.Mailbox{DB: h.DB, Now: h.Desk.Now}.Mails(ctx, tx)
		return err
	})
	return all, err
}
