// Package media writes the images and files of a chat request as blocks of Anthropic's Messages API, and refuses those that
// the API does not take.
package media

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"github.com/switchyard-gateway/switchyard/sdk/abi"
	"github.com/switchyard-gateway/switchyard/sdk/chat"
	"github.com/switchyard-gateway/switchyard/sdk/jsonraw"
	"github.com/switchyard-gateway/switchyard/sdk/refusal"
)

// WriteImage writes an image part as a block.
func WriteImage(w *jsonraw.Writer, m chat.Message, part *chat.Part, cache jsonraw.Value) error {
	w.Object()
	w.Key("type")
	w.String("image")
	w.Key("source")
	if chat.IsDataURL(part.URL()) {
		d, ok := chat.ParseDataURL(part.URL())
		if !ok {
			return refusal.Invalid(m.PartPath(part, ".image_url.url"), "the data URL has no comma")
		}
		switch d.MediaType {
		case "image/jpeg", "image/png", "image/gif", "image/webp":
		case "image/jpg":
			d.MediaType = "image/jpeg"
		default:
			return unsupported(m.PartPath(part, ".image_url.url"), "Anthropic takes images of type jpeg, png, gif and webp, not "+strconv.Quote(d.MediaType))
		}
		writeBase64(w, &d)
	} else if err := writeURL(w, m, part, ".image_url.url"); err != nil {
		return err
	}
	w.Member("cache_control", cache)
	w.End()
	return nil
}

// WriteDocument writes a file part as a document block.
func WriteDocument(w *jsonraw.Writer, m chat.Message, part *chat.Part, cache jsonraw.Value) error {
	if part.URL().Absent() {
		return unsupported(m.PartPath(part, ".file.file_id"), "files by id can't be translated: send file_data")
	}
	const at = ".file.file_data"
	w.Object()
	w.Key("type")
	w.String("document")
	w.Key("source")
	if chat.IsDataURL(part.URL()) {
		d, ok := chat.ParseDataURL(part.URL())
		if !ok {
			return refusal.Invalid(m.PartPath(part, at), "the data URL has no comma")
		}
		switch d.MediaType {
		case "application/pdf":
			writeBase64(w, &d)
		case "text/plain":
			text, err := base64.StdEncoding.AppendDecode(nil, d.Base64)
			if err != nil {
				return refusal.Invalid(m.PartPath(part, at), "the data URL is not valid base64")
			}
			w.Object()
			w.Key("type")
			w.String("text")
			w.Key("media_type")
			w.String(d.MediaType)
			w.Key("data")
			w.Bytes(text)
			w.End()
		default:
			return unsupported(m.PartPath(part, at), "Anthropic takes documents of type application/pdf and text/plain, not "+strconv.Quote(d.MediaType))
		}
	} else if err := writeURL(w, m, part, at); err != nil {
		return err
	}
	if name := part.FileName(); name.Kind() == jsonraw.String && !chat.Blank(name) {
		w.Member("title", name)
	}
	w.Member("cache_control", cache)
	w.End()
	return nil
}

func writeBase64(w *jsonraw.Writer, d *chat.DataURL) {
	w.Object()
	w.Key("type")
	w.String("base64")
	w.Key("media_type")
	w.String(d.MediaType)
	w.Key("data")
	w.OpenString()
	w.Buf = append(w.Buf, d.Base64...)
	w.CloseString()
	w.End()
}

func writeURL(w *jsonraw.Writer, m chat.Message, part *chat.Part, at string) error {
	url := part.URL()
	text := url.Inner()
	if !bytes.HasPrefix(text, []byte("https:")) && !bytes.HasPrefix(text, []byte("http:")) {
		return refusal.Invalid(m.PartPath(part, at), "expected a data URL or an http(s) URL")
	}
	w.Object()
	w.Key("type")
	w.String("url")
	w.Member("url", url)
	w.End()
	return nil
}

func unsupported(param, message string) *abi.Refusal {
	ref := refusal.Unsupported(param, message)
	ref.Code = refusal.CodeInvalidValue
	return ref
}
