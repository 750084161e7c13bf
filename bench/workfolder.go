package bench

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// workFolder makes a temporary folder in dir, or in $TMPDIR.
func workFolder(dir, name string) (string, error) {
	work, err := os.MkdirTemp(dir, name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return "", fmt.Errorf("no folder can be made in %s: %w; --dir names another place", cmp.Or(dir, os.TempDir()), err)
	}
	return work, nil
}
