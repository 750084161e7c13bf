package bench

import (
	"fmt"
	"os"

	"halorun/ranks/raster"
)

// Difference is how far one picture's pixels are from another's.
type Difference struct {
	Identical bool    `json:"identical"`
	Why       string  `json:"why,omitempty"` // pixels cannot be compared
	Fraction  float64 `json:"fraction"`      // of the pixels that differ
	Max       int     `json:"max"`           // the largest difference of two samples
	Mean      float64 `json:"mean"`          // of the samples' differences
}

func (d Difference) String() string {
	switch {
	case d.Identical:
		return "identical"
	case d.Why != "":
		return d.Why
	case d.Fraction < 0.00005:
		return fmt.Sprintf("under 0.01 %% differ, by up to %d", d.Max)
	}
	return fmt.Sprintf("%.2f %% differ, by up to %d, %.2f on average", 100*d.Fraction, d.Max, d.Mean)
}

// compare compares two picture files, some rows at a time. A grey picture equals one of three equal channels.
func compare(a, b string) (Difference, error) {
	ra, err := openPicture(a)
	if err != nil {
		return Difference{}, err
	}
	defer ra.Close()
	rb, err := openPicture(b)
	if err != nil {
		return Difference{}, err
	}
	defer rb.Close()
	ia, ib := ra.Info(), rb.Info()
	if ia.Width != ib.Width || ia.Height != ib.Height {
		return Difference{Why: fmt.Sprintf("%d×%d, not %d×%d", ib.Width, ib.Height, ia.Width, ia.Height)}, nil
	}
	rowsA, rowsB := rowBlock(ia.Width*ia.Channels, ia.Height), rowBlock(ib.Width*ib.Channels, ia.Height)
	n := min(len(rowsA), len(rowsB))
	differ, sum, most := 0, 0, 0
	for y := 0; y < ia.Height; y += n {
		n = min(n, ia.Height-y)
		if err := ra.ReadRows(y, rowsA[:n]); err != nil {
			return Difference{}, err
		}
		if err := rb.ReadRows(y, rowsB[:n]); err != nil {
			return Difference{}, err
		}
		for i := range n {
			d, s, m := compareRow(rowsA[i], rowsB[i], ia.Width, ia.Channels, ib.Channels)
			differ, sum, most = differ+d, sum+s, max(most, m)
		}
	}
	pixels := float64(ia.Width) * float64(ia.Height)
	return Difference{Identical: differ == 0, Fraction: float64(differ) / pixels, Max: most, Mean: float64(sum) / pixels / float64(max(ia.Channels, ib.Channels))}, nil
}

// compareRow returns how many pixels of a row differ, and the sum and the largest of its samples' differences.
func compareRow(a, b []byte, width, channelsA, channelsB int) (differ, sum, most int) {
	if channelsA == channelsB && string(a) == string(b) {
		return 0, 0, 0
	}
	channels := max(channelsA, channelsB)
	for x := range width {
		worst := 0
		for c := range channels {
			d := int(a[x*channelsA+min(c, channelsA-1)]) - int(b[x*channelsB+min(c, channelsB-1)])
			d = max(d, -d)
			sum += d
			worst = max(worst, d)
		}
		if worst > 0 {
			differ++
			most = max(most, worst)
		}
	}
	return differ, sum, most
}

// openPicture opens a picture file. Decoding may take as much memory as it does: it is not while anything is measured.
func openPicture(name string) (*raster.Reader, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &raster.InputError{Name: name, Err: err}
	}
	r, err := raster.Open(f, name, raster.Options{MaxPixels: maxSyntheticPixels})
	if err != nil {
		f.Close()
		return nil, err
	}
	return r, nil
}
