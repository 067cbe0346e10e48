using System.Text;

namespace Caracal.Rego.Formatting;

/// <summary>The text being written: knows its column and how far the line at hand is indented.</summary>
internal sealed class Page
{
    public const int Width = 100;
    private const int TabWidth = 4;

    private readonly StringBuilder _text = new();
    private bool _commented;
    private int _column;

    /// <summary>How many tabs the line at hand starts with.</summary>
    public int Indent { get; private set; }

    public int Column => _column;

    /// <summary>Whether nothing but a new line may follow, because the line ends with a comment.</summary>
    public bool IsClosed => _commented;

    public bool IsEmpty => _text.Length == 0;

    public void Write(ReadOnlySpan<char> text)
    {
        _text.Append(text);
        var line = text.LastIndexOf('\n');
        _column = line < 0 ? _column + text.Length : text.Length - line - 1;
    }

    public void NewLine(int indent)
    {
        _text.Append('\n');
        _text.Append('\t', indent);
        _column = indent * TabWidth;
        Indent = indent;
        _commented = false;
    }

    public void Blank() => _text.Append('\n');

    /// <summary>Ends the line at hand with a comment, or gives it a line of its own.</summary>
    public void Write(Remark remark, int indent, bool blank = false)
    {
        if (remark.OwnLine || _commented)
        {
            if (blank) Blank();
            NewLine(indent);
        }
        else
        {
            Write(" ");
        }

        Write(remark.Text);
        _commented = true;
    }

    public override string ToString() => _text.ToString();
}
