package browser

import (
	"errors"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Stand puts the device at a place that it knows to so many metres, and lets
// pages ask for it.
func (p *Page) Stand(lat, lon, metres float64) {
	p.t.Helper()
	err := errors.Join(p.mayLocate(cdpbrowser.PermissionSettingGranted), call(p, emulation.SetGeolocationOverride,
		emulation.SetGeolocationOverrideParams{Latitude: &lat, Longitude: &lon, Accuracy: &metres}))
	if err != nil {
		p.fatal("stand at %f, %f: %v", lat, lon, err)
	}
}

// Lose lets pages ask for the device's place, which the device does not know.
func (p *Page) Lose() {
	p.t.Helper()
	err := errors.Join(p.mayLocate(cdpbrowser.PermissionSettingGranted), call(p, emulation.SetGeolocationOverride, emulation.SetGeolocationOverrideParams{}))
	if err != nil {
		p.fatal("lose the place: %v", err)
	}
}

// Hide lets no page know where the device is.
func (p *Page) Hide() {
	p.t.Helper()
	if err := p.mayLocate(cdpbrowser.PermissionSettingDenied); err != nil {
		p.fatal("hide the place: %v", err)
	}
}

func (p *Page) mayLocate(setting cdpbrowser.PermissionSetting) error {
	_, err := chromedp.CallBrowser(p.ctx, cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
		Permission: &cdpbrowser.PermissionDescriptor{Name: "geolocation"}, Setting: setting, BrowserContextID: chromedp.FromContext(p.ctx).BrowserContextID,
	})
	return err
}
