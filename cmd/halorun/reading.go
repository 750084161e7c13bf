package main

import (
	"strconv"

	"github.com/urfave/cli/v2"

	"halorun/cmdline"
	"halorun/ranks/raster"
)

// readFlags are the flags that say how INPUT is read, and what of it is carried over.
func readFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "geometry", Usage: "INPUT is raw: HEIGHT rows of WIDTH pixels of CHANNELS bytes, from byte OFFSET on; `G` is WIDTHxHEIGHTxCHANNELS[:OFFSET]"},
		cmdline.AnyOf(&cli.StringFlag{Name: "page", DefaultText: "the only one", Usage: "read page `N` of a TIFF, counted from 1; all: each is a picture in the folder OUTPUT"}, allPages).
			Matching(pageForm, `^(`+allPages+`|0*[1-9][0-9]*)$`),
		&cli.StringFlag{Name: "bands", DefaultText: "all, save alpha", Usage: "read the samples `LIST` of a pixel, counted from 1: 2 as grey, 4,3,2 as red, green and blue"},
		&cli.StringFlag{Name: "scale", DefaultText: "8 bits as they are, the upper 8 of 16", Usage: "make samples 8 bits wide: `MIN,MAX` become 0 and 255"},
		&cli.BoolFlag{Name: "strip", Usage: "carry over no metadata: profile, EXIF, XMP, resolution, GeoTIFF"},
		cmdline.Positive(&cli.Int64Flag{Name: "max-pixels", Value: 1 << 36, Usage: "refuse an INPUT of more than `P` pixels"}, "the limit"),
	}
}

// parseRead returns the values of readFlags.
func parseRead(c *cli.Context) (o raster.Options, err error) {
	o.MaxPixels, o.Strip = c.Int64("max-pixels"), c.Bool("strip")
	if c.IsSet("geometry") {
		o.Geometry, err = raster.ParseGeometry(c.String("geometry"))
	}
	if err == nil && c.IsSet("bands") {
		o.Bands, err = raster.ParseBands(c.String("bands"))
	}
	if err == nil && c.IsSet("scale") {
		o.Scale, err = raster.ParseScale(c.String("scale"))
	}
	if err != nil {
		return o, usageError{err}
	}
	if c.IsSet("page") {
		o.Page, err = parsePage(c.String("page"))
	}
	return o, err
}

// allPages as the value of --page makes many pictures of the pages of one.
const allPages = "all"

const pageForm = "the number of a page, counted from 1, or all"

// maxPage is far beyond what anybody would look for.
const maxPage = 1 << 24

func parsePage(s string) (int, error) {
	if s == allPages {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > maxPage {
		return 0, usage("--page %q: give %s", s, pageForm)
	}
	return n, nil
}
