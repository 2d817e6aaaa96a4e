package ddl

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"":               "",
		"plain ä 漢\n\t":  "plain ä 漢\n\t",
		"\x1b[31mred":    `\u001b[31mred`,
		"a\u202eb\r":     `a\u202eb\u000d`,
		"tag \U000e0041": `tag \U000e0041`,
	} {
		require.Equal(t, want, Visible(text))
	}
}
