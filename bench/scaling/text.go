package scaling

import "fmt"

func percent(v float64) string { return fmt.Sprintf("%.0f%%", 100*v) }

func microseconds(s float64) string { return fmt.Sprintf("%.3g µs", 1e6*s) }

func serialText(serial *float64) string {
	if serial == nil {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100**serial)
}
