package png

// readWhole reads rows of an interlaced picture, which has to be there as a whole before the first.
func (s *Stream) readWhole(dst [][]byte) error {
	n := s.m.Width * s.m.Channels
	if s.whole == nil {
		s.whole = make([]byte, n*s.m.Height)
		if err := s.decodeWhole(); err != nil {
			return err
		}
	}
	for _, d := range dst {
		copy(d[:n], s.whole[s.y*n:])
		s.y++
	}
	return nil
}

func (s *Stream) decodeWhole() error {
	channels := s.m.Channels
	samples := make([]byte, s.m.Width*channels)
	for i, p := range s.passes {
		for y := range p.height {
			row, pass, err := s.next()
			if err != nil {
				return err
			}
			if pass != i {
				return Damage("its passes are not of the sizes that they should be of")
			}
			part := samples[:p.width*channels]
			s.deliver(part, row)
			to := s.whole[((p.y+y*p.stepY)*s.m.Width+p.x)*channels:]
			step := p.stepX * channels
			switch {
			case step == channels:
				copy(to, part)
			case channels == 1:
				for x, v := range part {
					to[x*step] = v
				}
			default:
				for x := range p.width {
					copy(to[x*step:x*step+3], part[3*x:3*x+3])
				}
			}
		}
	}
	return s.end()
}
