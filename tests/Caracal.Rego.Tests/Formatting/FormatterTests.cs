using System.Text;
using Caracal.Rego.Syntax;
using Caracal.Rego.Tests.Fuzz;

namespace Caracal.Rego.Tests.Formatting;

public class FormatterTests
{
    [Theory]
    [InlineData("p:=1", "p := 1")]
    [InlineData("p  if   input.x==1", "p if input.x == 1")]
    [InlineData("p if { input.x }", "p if {\n\tinput.x\n}")]
    [InlineData("p if { a; b;\n\n\n\n c; d }", "p if {\n\ta\n\tb\n\n\tc\n\td\n}")]
    [InlineData("p := [1,2 , 3,]", "p := [1, 2, 3]")]
    [InlineData("p := [1,\n2]", "p := [\n\t1,\n\t2,\n]")]
    [InlineData("p := {\"a\" :1}", "p := {\"a\": 1}")]
    [InlineData("p := [x|some x in input.xs;x>-1]", "p := [x | some x in input.xs; x > -1]")]
    [InlineData("p := [x|some x in input.xs\nx>1]", "p := [x |\n\tsome x in input.xs\n\tx > 1\n]")]
    [InlineData("p if every x in input.xs{x>1}", "p if every x in input.xs { x > 1 }")]
    [InlineData("p if every x in input.xs{x>1;x<3}", "p if every x in input.xs {\n\tx > 1\n\tx < 3\n}")]
    [InlineData("p := 1 if a\nelse := 2 if { b }\nelse = 3", "p := 1 if a\nelse := 2 if {\n\tb\n} else = 3")]
    [InlineData("p[ q ].r [ \"s\" ] := 1", null)]
    [InlineData("p[q].r[\"s\"] := (1+2)*3", "p[q].r[\"s\"] := (1 + 2) * 3")]
    [InlineData("p := a +\n   b", "p := a +\n\tb")]
    [InlineData("p if a with input as 1\n  with data.x as 2", "p if a with input as 1\n\twith data.x as 2")]
    [InlineData("p if { a; -1 == b }", "p if {\n\ta;\n\t-1 == b\n}")]
    [InlineData("p if { a; in.x }", "p if {\n\ta\n\tin.x\n}")]
    [InlineData("p := {(a | b),}", "p := {(a | b)}")]
    [InlineData("p := {a | b,}", "p := {a | b,}")]
    [InlineData("p := `a\n  b` # c  ", "p := `a\n  b` # c")]
    [InlineData("p := $\"a{ x+1 }b\"", "p := $\"a{ x+1 }b\"")]
    [InlineData("p contains x if x:=1", "p contains x if x := 1")]
    [InlineData("p := set( )", "p := set()")]
    [InlineData("f(x,[y,_]) := x%y", "f(x, [y, _]) := x % y")]
    public void Writes_one_form(string rule, string? formatted)
    {
        var source = "package t\n\n" + rule;
        var result = RegoFormatter.Format(source, RegoLanguageMode.V1);
        if (formatted is null)
        {
            Assert.False(result.Succeeded);
            return;
        }

        Assert.Equal("package t\n\n" + formatted + "\n", result.Text);
    }

    [Fact]
    public void Comments_stay_where_they_were() =>
        Same(
            """
            # first

            # of the package
            package t # trailing

            # of the import
            import data.x # why

            # METADATA
            # title: p
            p if { # opens
            	# own line
            	a # after a

            	# before b
            	b
            	# last
            }

            q := [
            	1, # one
            	# two
            	2,
            	# end
            ]

            # at the end

            """);

    [Fact]
    public void Comments_before_separators_follow_them() =>
        Formats("q := [1 # one\n, 2 # two\n]", "q := [\n\t1, # one\n\t2, # two\n]");

    [Fact]
    public void The_older_syntax_stays_the_older_syntax() =>
        Assert.Equal(
            "package t\n\np[x] {\n\tx = 1\n} {\n\tx = 2\n}\n\nq = 1 {\n\ta\n} else = 2 {\n\tb\n}\n",
            RegoFormatter.Format("package t\np[x] { x=1 } { x=2 }\nq=1{a}else=2{b}", RegoLanguageMode.V0).Text);

    [Fact]
    public void Long_lists_break_as_a_whole()
    {
        var items = string.Join(", ", Enumerable.Range(0, 30).Select(i => $"\"item{i}\""));
        Formats($"p := [{items}]", $"p := [\n\t{items.Replace(", ", ",\n\t", StringComparison.Ordinal)},\n]");
    }

    [Fact]
    public void What_cannot_be_read_is_refused_with_its_place()
    {
        var result = RegoFormatter.Format("package t\np if {\n", RegoLanguageMode.V1, "a.rego");
        Assert.Equal(("rego_parse_error", "a.rego", 3), (result.Errors[0].Code, result.Errors[0].File, result.Errors[0].Line));
        Assert.Equal("content_too_large", RegoFormatter.Format("package t\n" + new string('#', 300_000)).Errors[0].Code);
        var grows = "package t\np := [" + string.Join(',', Enumerable.Range(0, 45_000)) + "]";
        Assert.Equal("content_too_large", RegoFormatter.Format(grows).Errors[0].Code);
    }

    [Fact]
    public void Any_layout_of_a_program_keeps_its_meaning_and_settles_at_once()
    {
        var formatted = 0;
        for (var seed = 0; seed < 600; seed++)
        {
            var source = Scatter(new ProgramGenerator(seed).Module(), seed);
            if (!RegoParser.Inspect(source).Succeeded) continue;
            formatted++;
            Settles(source, $"seed {seed}");
        }

        Assert.True(formatted > 200, $"only {formatted} programs could be read");
    }

    [Fact]
    public void Deep_and_wide_texts_are_formatted_in_time()
    {
        var deep = "package t\np := " + new string('[', 240) + new string(']', 240);
        var wide = "package t\np := [" + string.Join(',', Enumerable.Range(0, 30_000)) + "]";
        var chain = "package t\np := 1 if a\n" + string.Concat(Enumerable.Repeat("else := 2 if { b }\n", 8_000));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        foreach (var source in new[] { deep, wide, chain }) Settles(source, source[..20]);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(10), $"took {watch.Elapsed}");
    }

    private static void Settles(string source, string name)
    {
        var first = RegoFormatter.Format(source);
        Assert.True(first.Succeeded, $"{name}: {string.Join(", ", first.Errors)}\n{source}");
        Assert.Equal(Meaning(source), Meaning(first.Text));
        Assert.Equal(first.Text, RegoFormatter.Format(first.Text).Text);
    }

    private static string Meaning(string source) => TreeText.Of(Parser.ParseModule("m.rego", source, RegoLanguageMode.Auto));

    /// <summary>Puts line ends and comments where spaces are; what is a program afterwards must survive.</summary>
    private static string Scatter(string source, int seed)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        foreach (var c in source)
        {
            text.Append((c == ' ' ? random.Next(12) : 9) switch
            {
                0 => "\n",
                1 => " # note\n  ",
                2 => "\n\n\n # own line\n",
                3 => "   \t",
                _ => c.ToString(),
            });
        }

        return text.ToString();
    }

    private static void Formats(string rule, string formatted) =>
        Assert.Equal("package t\n\n" + formatted + "\n", RegoFormatter.Format("package t\n\n" + rule, RegoLanguageMode.V1).Text);

    private static void Same(string text) => Assert.Equal(text, RegoFormatter.Format(text, RegoLanguageMode.V1).Text);
}
