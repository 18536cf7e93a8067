package catalogue

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/i18n"
)

// Way is how an authority has joined a matter type (liitostapa).
type Way string

// The joining ways.
const (
	Light       Way = "light"       // Kevytasiointi: handled in the hub's own pages
	Interface   Way = "interface"   // over the data exchange interface
	Conditional Way = "conditional" // RED II: the customer goes to the authority's own service, the status is kept here
)

// Offer is a matter type that an authority offers in a territory (liitos).
type Offer struct {
	ID          string
	Authority   string
	Type        string
	Way         Way
	National    bool
	Territory   []string // municipality codes
	NoticeEmail string   // the role address of first notices
	DeputyEmail string
	DeputyHours int64 // working hours a notice may lie unopened
	KeepMonths  int64 // that an ended matter's content stays in the hub; 0 for DefaultKeep
	URL         string
	Words       map[string]Wording // the authority's own words for statuses and outcomes
	Entities    []string           // the service entities it is for; nil for all of the type's
	Active      bool
}

// DefaultKeep is how many months the content of an ended matter stays where the
// authority has not said otherwise. The archive is the authority's own.
const DefaultKeep = 24

// Covers tells whether the offer stands in the municipality for the service
// entity; entity "" means for any.
func (o *Offer) Covers(municipality, entity string) bool {
	return o.Active && (o.National || slices.Contains(o.Territory, municipality)) &&
		(entity == "" || o.Entities == nil || slices.Contains(o.Entities, entity))
}

// OfferID names the offer of a type by an authority.
func OfferID(authority, typ string) string { return authority + "/" + typ }

const offerColumns = `id, authority_id, type_id, way, territory, notice_email, deputy_email, deputy_hours, keep_months, url, words, entities, active`

func scanOffer(r interface{ Scan(...any) error }, o *Offer) error {
	var way, territory, words, entities string
	var active int64
	if err := r.Scan(&o.ID, &o.Authority, &o.Type, &way, &territory, &o.NoticeEmail, &o.DeputyEmail, &o.DeputyHours, &o.KeepMonths, &o.URL, &words, &entities, &active); err != nil {
		return err
	}
	o.Way, o.Active, o.National = Way(way), active == 1, territory == `"national"`
	if !o.National {
		if err := json.Unmarshal([]byte(territory), &o.Territory); err != nil {
			return fmt.Errorf("read the offer's territory: %w", err)
		}
	}
	if err := json.Unmarshal([]byte(words), &o.Words); err != nil {
		return fmt.Errorf("read the offer's words: %w", err)
	}
	if entities != "" {
		if err := json.Unmarshal([]byte(entities), &o.Entities); err != nil {
			return fmt.Errorf("read the offer's entities: %w", err)
		}
	}
	return nil
}

// FindOffer returns an offer, or NotFound.
func FindOffer(ctx context.Context, tx *db.Tx, id string) (*Offer, error) {
	var o Offer
	err := scanOffer(tx.QueryRowContext(ctx, `SELECT `+offerColumns+` FROM offers WHERE id = $1`, id), &o)
	if errors.Is(err, db.ErrNoRows) {
		return nil, fail.New(fail.NotFound, "catalogue.offer_not_found")
	}
	if err != nil {
		return nil, fmt.Errorf("read offer %s: %w", id, err)
	}
	return &o, nil
}

// FindOffers returns the offers with the ids, those that are there.
func FindOffers(ctx context.Context, tx *db.Tx, ids []string) (map[string]*Offer, error) {
	found := map[string]*Offer{}
	if len(ids) == 0 {
		return found, nil
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	all, err := offers(ctx, tx, `SELECT `+offerColumns+` FROM offers WHERE id IN (`+db.In(0, len(ids))+`)`, args...)
	for _, o := range all {
		found[o.ID] = o
	}
	return found, err
}

// OffersIn returns the offers that stand in a municipality for a service
// entity ("" for any), by matter type. Where two authorities offer the same
// type, the local one comes before the national one.
func OffersIn(ctx context.Context, tx *db.Tx, municipality, entity string) (map[string]*Offer, error) {
	all, err := offers(ctx, tx, `
		SELECT `+offerColumns+` FROM offers
		WHERE  active = 1 AND id IN (SELECT offer_id FROM offer_places WHERE municipality IN ($1, $2)) ORDER BY id`,
		municipality, everywhere)
	if err != nil {
		return nil, err
	}
	here := map[string]*Offer{}
	for _, o := range all {
		if o.Covers(municipality, entity) && (here[o.Type] == nil || here[o.Type].National) {
			here[o.Type] = o
		}
	}
	return here, nil
}

// Offers returns every active offer.
func Offers(ctx context.Context, tx *db.Tx) ([]*Offer, error) {
	return offers(ctx, tx, `SELECT `+offerColumns+` FROM offers WHERE active = 1 ORDER BY id`)
}

// OffersOf returns every offer of an authority, active or not.
func OffersOf(ctx context.Context, tx *db.Tx, authority string) ([]*Offer, error) {
	return offers(ctx, tx, `SELECT `+offerColumns+` FROM offers WHERE authority_id = $1 ORDER BY type_id`, authority)
}

func offers(ctx context.Context, tx *db.Tx, query string, args ...any) ([]*Offer, error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read offers: %w", err)
	}
	var all []*Offer
	err = rows.Each(func() error {
		var o Offer
		if err := scanOffer(rows, &o); err != nil {
			return err
		}
		all = append(all, &o)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read offers: %w", err)
	}
	return all, nil
}

// KeepMonths lists the lengths for which offers keep the content of ended
// matters, each once.
func KeepMonths(ctx context.Context, tx *db.Tx) (all []int64, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT keep_months FROM offers ORDER BY keep_months`)
	if err != nil {
		return nil, fmt.Errorf("read how long matters are kept: %w", err)
	}
	err = rows.Each(func() error {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return err
		}
		all = append(all, n)
		return nil
	})
	return all, err
}

// SaveOffer writes an offer, new or changed.
func SaveOffer(ctx context.Context, tx *db.Tx, o *Offer) error {
	if o.KeepMonths < 0 || o.KeepMonths > 1200 { // a slip here would empty matters that have just ended
		return fmt.Errorf("save offer %s: %d months of keeping", o.ID, o.KeepMonths)
	}
	territory := `"national"`
	if !o.National {
		b, err := json.Marshal(o.Territory)
		if err != nil {
			return err
		}
		territory = string(b)
	}
	words := []byte("{}")
	if len(o.Words) > 0 {
		var err error
		if words, err = json.Marshal(o.Words); err != nil {
			return err
		}
	}
	entities := ""
	if o.Entities != nil {
		b, err := json.Marshal(o.Entities)
		if err != nil {
			return err
		}
		entities = string(b)
	}
	active := int64(0)
	if o.Active {
		active = 1
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO offers (`+offerColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
		ON CONFLICT (id) DO UPDATE SET way = excluded.way, territory = excluded.territory,
			notice_email = excluded.notice_email, deputy_email = excluded.deputy_email, deputy_hours = excluded.deputy_hours,
			keep_months = excluded.keep_months, url = excluded.url, words = excluded.words, entities = excluded.entities, active = excluded.active`,
		o.ID, o.Authority, o.Type, string(o.Way), territory, o.NoticeEmail, o.DeputyEmail, o.DeputyHours, cmp.Or(o.KeepMonths, DefaultKeep), o.URL, string(words), entities, active)
	if err != nil {
		return fmt.Errorf("save offer %s: %w", o.ID, err)
	}
	return savePlaces(ctx, tx, o)
}

// everywhere is the place of an offer that stands in the whole country.
const everywhere = "*"

// savePlaces writes where the offer stands, for OffersIn.
func savePlaces(ctx context.Context, tx *db.Tx, o *Offer) error {
	if _, err := tx.ExecContext(ctx, `DELETE FROM offer_places WHERE offer_id = $1`, o.ID); err != nil {
		return fmt.Errorf("save offer %s: %w", o.ID, err)
	}
	places := o.Territory
	if o.National {
		places = []string{everywhere}
	}
	for _, place := range places {
		if _, err := tx.ExecContext(ctx, `INSERT INTO offer_places (municipality, offer_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, place, o.ID); err != nil {
			return fmt.Errorf("save offer %s: %w", o.ID, err)
		}
	}
	return nil
}

// StatusWords returns what a status is called for the offer: the authority's
// own words where it gave some, else the canonical ones.
func (c *Catalogue) StatusWords(o *Offer, status string) Wording {
	if o != nil {
		if w, ok := o.Words[status]; ok {
			return w
		}
	}
	return c.Status(status)
}

// OutcomeWords returns what an outcome is called for the offer.
func (c *Catalogue) OutcomeWords(o *Offer, kind, outcome string) Wording {
	if o != nil {
		if w, ok := o.Words[outcome]; ok {
			return w
		}
	}
	if k := c.kind[kind]; k != nil {
		if w := k.Outcome(outcome); w != nil {
			return *w
		}
	}
	t := i18n.Text{FI: outcome, SV: outcome, EN: outcome}
	return Wording{ID: outcome, Customer: t, Authority: t}
}
