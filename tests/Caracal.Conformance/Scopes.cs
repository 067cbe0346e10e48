namespace Caracal.Conformance;

/// <summary>Which scope each category of cases belongs to.</summary>
internal static class Scopes
{
    private static readonly Dictionary<string, string> s_byCategory = Build();

    /// <summary>The scope of a category; unknown ones count as language, so that nothing new is skipped by mistake.</summary>
    public static string Of(string category, string note)
    {
        // The yaml builtins are of the third wave although their cases stand among the JSON ones.
        if (category == "jsonbuiltins" && note.Contains("yaml", StringComparison.Ordinal)) return "P3";
        return s_byCategory.GetValueOrDefault(category, "language");
    }

    private static Dictionary<string, string> Build()
    {
        var scopes = new Dictionary<string, string>(StringComparer.Ordinal);
        Add("P1", """
            aggregates arithmetic array base64builtins base64urlbuiltins bitsand bitsnegate bitsor bitsshiftleft bitsshiftright bitsxor
            casts hexbuiltins intersection jsonbuiltins numbersrange numbersrangestep objectfilter objectfilteridempotent
            objectfilternonstringkey objectget objectkeys objectremove objectunion objectunionn replacen sets sprintf strings subset trim
            trimleft trimprefix trimright trimspace trimsuffix typebuiltin typenamebuiltin union urlbuiltins walkbuiltin all any toarray toset
            """);
        Add("P2", """
            cryptohmacmd5 cryptohmacsha1 cryptohmacsha256 cryptohmacsha512 cryptomd5 cryptosha1 cryptosha256 globmatch globquotemeta jsonfilter
            jsonfilteridempotent jsonpatch jsonremove jsonremoveidempotent netcidrcontains netcidrcontainsmatches netcidrexpand
            netcidrintersects netcidrisvalid netcidrmerge netcidroverlap rand reachable regexfind regexfindallstringsubmatch regexisvalid regexmatch
            regexmatchtemplate regexreplace regexsplit semvercompare semverisvalid time units uuid
            """);
        Add("P3", """
            globsmatch jsonschema jwtbuiltins jwtdecodeverify jwtverifyhs256 jwtverifyhs384 jwtverifyhs512 jwtverifyrsa regometadatachain
            regometadatarule
            """);
        Add("out", """
            cryptoparsersaprivatekeys cryptox509parseandverifycertificates cryptox509parsecertificaterequest cryptox509parsecertificates
            cryptox509parsekeypair cryptox509parsersaprivatekey graphql invalidkeyerror jwtencodesign jwtencodesignheadererrors
            jwtencodesignpayloaderrors jwtencodesignraw netlookupipaddr providers-aws regoparsemodule rendertemplate
            """);
        return scopes;

        void Add(string scope, string categories)
        {
            foreach (var category in categories.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) scopes[category] = scope;
        }
    }
}
