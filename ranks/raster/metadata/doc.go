// Package metadata holds what a picture's file tells beside its pixels, in the form in which every format's code hands it on.
//
//	INPUT ──► codec ──► Limited, Upright ──► Carried ──► codec ──► OUTPUT
//
// Codecs fill a [Metadata] and write one. Between them it is held to limits (Limited), made to say that the pixels are upright, which
// they are by then (Upright), and cut to what OUTPUT's format can hold (Carried); whatever is lost on the way is told in words
// for the user. Nothing in it is believed: its bytes come from files of strangers.
package metadata
